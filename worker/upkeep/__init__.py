"""Upkeep: repairs and clean-up that no request starts.

Where the store or the bucket does not answer, the next turn continues: everything here is safe to
repeat.
"""
