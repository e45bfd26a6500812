"""Exports by command: their options, and the files that they write."""
