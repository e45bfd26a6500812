"""Looks for a text in stored JSON."""

import json
from collections.abc import Iterator


def spellings(text: str) -> set[bytes]:
    """How JSON may spell a text."""
    return {json.dumps(text, ensure_ascii=ascii_only).encode() for ascii_only in (True, False)}


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value; names of members are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
