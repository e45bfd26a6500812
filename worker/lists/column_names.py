"""Finds columns by the name that an importer gives."""

from collections.abc import Sequence


def find_named(names: Sequence[str], name: str) -> list[int]:
    """The places of the names that are this one.

    Where none is spelled so, of those that differ in their case or in spaces around them.
    """
    exact = [place for place, other in enumerate(names) if other == name]
    return exact or [place for place, other in enumerate(names) if _fold(other) == _fold(name)]


def _fold(name: str) -> str:
    return name.strip().casefold()
