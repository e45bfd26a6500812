"""Flags for SDKs, each of which tells whether a context is in one segment."""

from collections.abc import Iterable
from typing import Any


def flag_of(segment: str) -> str:
    """Give the key of the flag of a segment."""
    return f"in-{segment}"


def flags_of(segments: Iterable[str]) -> dict[str, Any]:
    """Give a document with a flag for each segment."""
    return {"flags": {flag_of(segment): _flag(segment) for segment in segments}}


def _flag(segment: str) -> dict[str, Any]:
    clause = {"attribute": "", "op": "segmentMatch", "values": [segment], "negate": False}
    return {
        "key": flag_of(segment),
        "on": True,
        "variations": [False, True],
        "offVariation": 0,
        "fallthrough": {"variation": 0},
        "rules": [{"id": "members", "variation": 1, "clauses": [clause]}],
        "salt": "salt",
    }
