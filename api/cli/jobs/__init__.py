"""Imports and exports: their start, their files, waiting for them and their reports."""
