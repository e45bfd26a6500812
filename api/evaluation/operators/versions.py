"""Semantic versions, as the three semVer operators compare them.

Source: Semantic Versioning 2.0.0, with the minor and patch numbers optional as in
LaunchDarkly go-semver (ParseModeAllowMissingMinorAndPatch).
"""

import re
from typing import Final

#: Numbers as (digits, text): without leading zeros this orders as the number does, at any length.
_Number = tuple[int, str]
_Identifier = tuple[int, int, str]
Precedence = tuple[_Number, _Number, _Number, int, tuple[_Identifier, ...]]

_IDENTIFIERS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_NUMBER: Final = "0|[1-9][0-9]*"
_VERSION: Final = re.compile(
    rf"({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER}))?)?(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)


def precedence_of(value: object) -> Precedence | None:
    """Give what orders a version among others; ``None`` for what is no version.

    The build part is left out, so versions that differ only in it are equal. The result is
    comparable and hashable.
    """
    match = _VERSION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    numbers = _number(major), _number(minor or "0"), _number(patch or "0")
    if prerelease is None:
        return (*numbers, 1, ())
    identifiers = prerelease.split(".")
    if any(_leads_with_zero(identifier) for identifier in identifiers):
        return None
    return (*numbers, 0, tuple(_identifier(identifier) for identifier in identifiers))


def _number(digits: str) -> _Number:
    return len(digits), digits


def _identifier(text: str) -> _Identifier:
    """Order numeric identifiers as numbers and below the others."""
    return (0, len(text), text) if text.isdigit() else (1, 0, text)


def _leads_with_zero(identifier: str) -> bool:
    return identifier.isdigit() and len(identifier) > 1 and identifier.startswith("0")
