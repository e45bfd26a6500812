"""Revisions of a list, in any dialect: which can be published again, and publishing one."""
