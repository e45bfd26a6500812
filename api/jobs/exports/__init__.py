"""Exports in any dialect: their options, their start and end, and the files that they write."""
