"""Streams of what changes, each opened with an SDK key: watched once for all who read the same."""
