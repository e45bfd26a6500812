"""The two roots of every error the worker raises.

BigsegError
├── TransientError   the same call may succeed later; retry with backoff
└── TerminalError    the same call can never succeed; report it and stop

A package with several errors keeps them as a tree in its ``errors.py``, rooted in these two.
"""


class BigsegError(Exception):
    """Something bigseg itself has to say; the message names the id and the remedy."""


class TransientError(BigsegError):
    """The same call may succeed later. Safe to retry with backoff."""


class TerminalError(BigsegError):
    """The same call can never succeed. Retrying does not help."""
