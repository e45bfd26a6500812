"""Look-ups by the protocol of ``worker/store/lists/lookups.py``, as one pipeline per node.

``lookups`` answers for one key, ``list_lookups`` for one key in each of many lists, and
``bulk_lookups`` for many keys in each of several lists; ``nodes`` asks, through a ``pipeline``
over a ``connection`` to each node.
"""
