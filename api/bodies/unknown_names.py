"""Refusing an unknown name: which names there are, and which was probably meant."""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from api.errors import InvalidRequest

#: What is repeated of an unknown name: anything else may be a misplaced value, and so a
#: context key.
_REPEATABLE: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,63}")
_SIMILARITY: Final = 0.5


def repeatable(name: object) -> str | None:
    """An unknown name if a refusal may repeat it, else ``None``."""
    return name if isinstance(name, str) and _REPEATABLE.fullmatch(name) else None


def list_known(
    name: object,
    known: Collection[str],
    plural: str,
    inner: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The end of a refusal, such as ``nearest: tags; fields: name, tags``.

    Args:
        name: what the caller wrote.
        known: the known names, in the order in which they are listed.
        plural: what the known ones are called.
        inner: fields of the known ones, with their whole names; suggested only for an exact
            match.
    """
    listed = f"{plural}: {', '.join(known) or 'none'}"
    nearest = find_nearest(name, known, inner)
    return listed if nearest is None else f"nearest: {nearest}; {listed}"


def find_nearest(
    name: object, known: Collection[str], inner: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The known name that was probably meant, in whatever case."""
    repeated = repeatable(name)
    if repeated is None:
        return None
    folded = repeated.casefold()
    by_folded = {known_name.casefold(): known_name for known_name in known}
    within = {field.casefold(): whole for field, whole in inner.items()}
    if folded not in by_folded and folded in within:
        return within[folded]
    matches = get_close_matches(folded, by_folded, n=1, cutoff=_SIMILARITY)
    return by_folded[matches[0]] if matches else None


def unknown_field(name: str, known: Iterable[str], inner: Mapping[str, str] | None = None) -> str:
    """The refusal of an unknown field; see :func:`unknown_name`."""
    return unknown_name(name, known, "field", "fields", inner)


def unknown_name(
    name: str,
    known: Iterable[str],
    kind: str,
    plural: str,
    inner: Mapping[str, str] | None = None,
) -> str:
    """The refusal of an unknown field or parameter.

    Args:
        name: what the caller wrote; repeated only if it could be a name.
        known: the names there are.
        kind: what it should have been.
        plural: what the known ones are called.
        inner: fields of the known ones, with their whole names.
    """
    repeated = repeatable(name)
    what = f"unknown {kind}" if repeated is None else f"unknown {kind} {repeated}"
    return f"{what}; {list_known(name, tuple(known), plural, inner or {})}"


def require_known(body: Iterable[str], known: Iterable[str]) -> None:
    """Make sure that an object that is read by hand has no unknown fields.

    Raises:
        InvalidRequest: it has one; names it, the nearest known one, and all known ones.
    """
    names = tuple(known)
    for name in body:
        if name not in names:
            raise InvalidRequest(unknown_field(name, names))
