"""Compositions: members that come from other lists, in place of files."""
