"""What the work on exports raises itself.

ExportError
└── TooManyParts (terminal)   the list would have more parts than one import takes back
"""

from worker.errors import TerminalError


class ExportError(Exception):
    """Anything this package raises; catch it with one of the two roots beside it."""


class TooManyParts(ExportError, TerminalError):
    """More parts than one manifest may name; export with larger parts."""
