"""Types of the fields of segments, rules and clauses.

Clients written in Go send null or '' for a field without a value, so both count as absent where
'' could mean nothing else.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

from api.bodies.models import Int32, StrictBody, blank_is, null_is
from worker.context_keys import fault_of

Ids = Callable[[], str]

DEFAULT_KIND: Final = "user"
#: Weights are thousandths of a percent.
WHOLE_WEIGHT: Final = 100_000

_NEW_ID: Final = "new_id"
RESERVED_KINDS: Final = ("kind", "multi")


class WireValue(StrictBody):
    """An immutable part of a segment."""

    model_config = ConfigDict(validate_by_name=True)


def new_id_context(ids: Ids) -> dict[str, Ids]:
    """The validation context in which rules and clauses without an ``_id`` get one.

    Without it a missing id is a fault.

    Args:
        ids: makes a new id at each call; LaunchDarkly's are UUIDs (observed).
    """
    return {_NEW_ID: ids}


def require_distinct(ids: Iterable[str], what: str) -> None:
    """Make sure that no two ids are the same.

    Raises:
        ValueError: two are.
    """
    seen = list(ids)
    if len(set(seen)) != len(seen):
        message = f"two {what} have one _id; leave it out of the new one"
        raise ValueError(message)


def _fill_in_id(value: object, info: ValidationInfo) -> object:
    if (value is None or value == "") and info.context:
        return info.context[_NEW_ID]()
    return value


def _require_unreserved(kind: str) -> str:
    if kind in RESERVED_KINDS:
        message = f"{kind} is reserved"
        raise ValueError(message)
    return kind


def _require_usable(keys: tuple[str, ...]) -> tuple[str, ...]:
    for position, key in enumerate(keys):
        fault = fault_of(key)
        if fault is not None:
            message = f"entry {position}: {fault}"
            raise ValueError(message)
    return keys


ServerId = Annotated[str, BeforeValidator(_fill_in_id), Field(min_length=1, max_length=256)]
#: Source: the SDKs' rule for context kinds.
KindName = Annotated[
    str, Field(max_length=256, pattern=r"^[a-zA-Z0-9._\-]+$"), AfterValidator(_require_unreserved)
]
ContextKind = Annotated[KindName, blank_is(DEFAULT_KIND)]
#: A list of context keys in the order given.
KeyList = Annotated[tuple[str, ...], Field(fail_fast=True), AfterValidator(_require_usable)]
ContextKeys = Annotated[KeyList, null_is(())]
Weight = Annotated[Int32, Field(strict=True, ge=0, le=WHOLE_WEIGHT)]
#: Source: Terraform's provider enforces it.
Tag = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.\-]{1,64}$")]
#: Not documented; far above any seen. A list reads the tags of every segment, so one segment must
#: not be able to fill the memory.
MOST_TAGS: Final = 1_000
#: Each once, in the order given.
Tags = Annotated[
    tuple[Tag, ...],
    Field(fail_fast=True, max_length=MOST_TAGS),
    null_is(()),
    AfterValidator(lambda tags: tuple(dict.fromkeys(tags))),
]
#: The key of a new project, environment or segment.
ResourceKey = Annotated[str, Field(max_length=256, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$")]
SegmentName = Annotated[str, Field(min_length=1, max_length=1_024, pattern=r"\S")]
Description = Annotated[str, Field(max_length=32_768)]
