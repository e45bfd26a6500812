"""Projects and environments as values, and as the JSON that is stored."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.store.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Place:
    """A project, or an environment of one."""

    key: str
    name: str
    created_ms: int
    tags: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON that a dialect keeps with it; the store never reads it."""
    sdk_key: str = field(default="", repr=False)
    mobile_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """What the store holds under a key: a place, or what is left of one."""

    text: bytes
    """As stored; whoever replaces the record names it."""
    place: Place
    deletion: str | None
    """Which deletion removed it; what it held may not all be freed yet."""


def encode(place: Place, deletion: str | None = None) -> str:
    """The stored form."""
    fields = dataclasses.asdict(place)
    del fields["key"]
    if deletion is not None:
        fields["deletion"] = deletion
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def decode(key: str, text: bytes) -> PlaceRecord:
    """Read the stored form.

    Raises:
        StoreUnavailable: it was written by another release.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        deletion = fields.pop("deletion", None)
        fields["tags"] = tuple(fields.get("tags", ()))
        if "created" in fields:  # as the first release wrote it
            fields["created_ms"] = fields.pop("created")
        return PlaceRecord(text, Place(key=key, **fields), deletion)
    except (ValueError, TypeError, KeyError) as exc:
        message = f"the record of {key} is not readable by this release"
        raise StoreUnavailable(message) from exc
