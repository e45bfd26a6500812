"""Schedules of exports: their bodies, and what changes them."""
