"""Parquet, decoded in a process of its own, because a damaged file may end it.

``decoder`` is what a worker uses; ``process`` starts and ends the program, ``child`` is the
program, ``messages`` is the protocol between the two. ``reader`` and ``columns`` run in the
child. ``writer`` writes exports.
"""
