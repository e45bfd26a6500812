"""Finds flags that name a context key."""

import json
from typing import Any, Final

from worker.store.flag_data.lines import StoredFlag, decode_flags
from worker.store.stored_json import spellings, texts_in

#: What of a flag may have context keys, or values that are the same text.
_FIELDS: Final = ("targets", "contextTargets", "rules", "variations")


def flags_naming(document: bytes, key: str) -> list[str]:
    """The flags that have a key as a value, of whatever kind and attribute, in order.

    Cost: parses the flags that have the key's text in them.

    Raises:
        UnreadableRecord: The document is damaged, or of another release.
    """
    spelled = spellings(key)
    if not any(spelling in document for spelling in spelled):
        return []
    found = [
        flag
        for flag in decode_flags(document)
        if any(spelling in flag.rest for spelling in spelled)
    ]
    return sorted(flag.key for flag in found if _names(flag, key))


def _names(flag: StoredFlag, key: str) -> bool:
    fields: dict[str, Any] = json.loads(flag.body)
    return any(key in texts_in(fields.get(field)) for field in _FIELDS)
