"""Exports: one pinned revision, written out in order of its shards."""
