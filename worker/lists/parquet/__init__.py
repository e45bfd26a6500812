"""Parquet, decoded in a process of its own, because a damaged file may end it.

``decoder`` is what a worker uses; ``process`` starts and ends the program, ``child`` is the
program, ``messages`` is the protocol between the two. ``reader`` and ``columns`` run in the
child. ``pages`` reads the pages that most lists consist of in the worker, without the library;
``cells`` has the bounds that both ways keep. ``writer`` writes exports.
"""
