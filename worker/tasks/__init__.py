"""Celery entry points: thin, bounded, safe to run twice."""
