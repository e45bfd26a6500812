"""Pages of text that a worker reads itself, because the library takes several times as long.

``chunks`` says which columns may be read so and reads them, ``headers`` and ``values`` are what
pages consist of, ``compression`` is what they are packed with. Whatever is unusual raises
``UnusualPage``, and the library's process reads from that row on. Nothing here trusts a page:
bytes are only ever indexed through Python and numpy, which check bounds, and every size is
compared with the footer's before it is used.
"""
