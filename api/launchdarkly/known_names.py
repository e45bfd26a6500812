"""Names that a caller may use, told to one who used another."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

#: What is shown of an unknown name: anything else may be a value that went astray.
_SHOWN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def shown(name: object) -> str | None:
    """An unknown name as a refusal may repeat it; ``None`` for what does not look like one."""
    return name if isinstance(name, str) and _SHOWN.fullmatch(name) else None


def allowed(name: object, known: Collection[str], plural: str) -> str:
    """The end of a refusal, such as ``nearest: tags; fields: name, tags``.

    Args:
        name: what the caller wrote.
        known: what is allowed, in the order in which it is listed.
        plural: what the known ones are called.
    """
    listed = f"{plural}: {', '.join(known)}"
    nearest = nearest_of(name, known)
    return listed if nearest is None else f"nearest: {nearest}; {listed}"


def nearest_of(name: object, known: Collection[str]) -> str | None:
    """The known name that was probably meant, in whatever case."""
    if shown(name) is None:
        return None
    by_folded = {one.casefold(): one for one in known}
    found = get_close_matches(str(name).casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else None
