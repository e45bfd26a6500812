"""Errors about units of work.

UnitError
└── LeaseLost (transient)   another worker has taken this unit; drop it
"""

from worker.errors import TransientError


class UnitError(Exception):
    """Anything about a unit of work."""


class LeaseLost(UnitError, TransientError):
    """Another worker has taken this unit. Drop it; nothing is to be given back."""
