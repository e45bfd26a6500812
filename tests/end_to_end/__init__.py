"""Whole systems; a package of its own, so that they end with its last test."""
