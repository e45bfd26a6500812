"""Selecting list files: what a prefix, a glob or a manifest names, and what of it is skipped."""
