"""Finds flags that name a context key."""

import json
from typing import Any, Final

from worker.store.stored_json import spellings, texts_in

#: What of a flag may have context keys, or values that are the same text.
_FIELDS: Final = ("targets", "contextTargets", "rules", "variations")


def flags_naming(document: bytes, key: str) -> list[str]:
    """The flags that have a key as a value, of whatever kind and attribute, in order.

    Cost: parses the document if the key's text is in it, about 10 ms for each MiB.
    """
    if not any(spelling in document for spelling in spellings(key)):
        return []
    flags: dict[str, dict[str, Any]] = json.loads(document)["flags"]
    return sorted(
        name
        for name, flag in flags.items()
        if any(key in texts_in(flag.get(field)) for field in _FIELDS)
    )
