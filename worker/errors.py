"""The two roots of every error the worker raises.

BigsegError
├── TransientError   the same call may succeed later; retry with backoff
└── TerminalError    the same call can never succeed; report it and stop

A package with several errors keeps them as a tree in its ``errors.py``, rooted in these two.
"""


class BigsegError(Exception):
    """An error of bigseg itself; the message names what failed and what to do."""


class TransientError(BigsegError):
    """The same call may succeed later. Safe to retry with backoff."""


class TerminalError(BigsegError):
    """The same call can never succeed. Retrying does not help."""
