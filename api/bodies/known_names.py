"""Refusing an unknown name: which names there are, and which was probably meant."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

#: What is repeated of an unknown name: anything else may be a value that went astray, and so
#: a context key.
_REPEATED: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,63}")
_LIKENESS: Final = 0.5


def shown(name: object) -> str | None:
    """An unknown name as a refusal may repeat it; ``None`` for what does not look like one."""
    return name if isinstance(name, str) and _REPEATED.fullmatch(name) else None


def allowed(
    name: object,
    known: Collection[str],
    plural: str,
    inner: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The end of a refusal, such as ``nearest: tags; fields: name, tags``.

    Args:
        name: what the caller wrote.
        known: what is allowed, in the order in which it is listed.
        plural: what the known ones are called.
        inner: fields of the known ones, with their whole names; only a field that is meant
            exactly is named.
    """
    listed = f"{plural}: {', '.join(known) or 'none'}"
    nearest = nearest_of(name, known, inner)
    return listed if nearest is None else f"nearest: {nearest}; {listed}"


def nearest_of(
    name: object, known: Collection[str], inner: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The known name that was probably meant, in whatever case."""
    repeated = shown(name)
    if repeated is None:
        return None
    folded = repeated.casefold()
    by_folded = {one.casefold(): one for one in known}
    within = {one.casefold(): whole for one, whole in inner.items()}
    if folded not in by_folded and folded in within:
        return within[folded]
    found = get_close_matches(folded, by_folded, n=1, cutoff=_LIKENESS)
    return by_folded[found[0]] if found else None
