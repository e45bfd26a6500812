"""Pages for people: ``/``, ``/docs`` and their files, which say nothing that a token protects.

``page`` is a file as it is sent, with the headers that keep it from doing anything else;
``files`` makes those of the fixed list; ``open_paths`` is the one list of what needs no token.
"""
