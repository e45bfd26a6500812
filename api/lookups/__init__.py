"""Look-ups by the protocol of ``worker/store/lists/lookups.py``, as one pipeline per node.

``lookups`` answers for one key, ``many`` for one key in each of many lists; ``nodes`` asks,
through a ``pipeline`` over a ``wire`` to each node.
"""
