"""Flags as LaunchDarkly's SDKs hold them: read strictly, and kept as they are.

An SDK that is sent one field of another type than it expects drops all that it was sent, so every
field that an SDK reads is checked. Fields that none reads are kept.

Source: the data models of python-server-sdk 9.18.2, which is the strictest; its optional fields
may be null.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, ValidationError, model_validator

from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.models import MAX_SAFE_INTEGER, WireModel
from api.errors import InvalidRequest

MOST_FLAGS: Final = 10_000
#: Of all rollouts; an SDK takes a bucket for a share of it.
_WHOLE: Final = 100_000
#: LaunchDarkly's keys; they are parts of paths in streams, and need no escapes in JSON.
_FLAG_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")

Integer = Annotated[int, Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
Index = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
Number = Integer | float


class _Part(WireModel):
    """Any part of a flag."""

    model_config = ConfigDict(extra="allow", strict=True, validate_by_name=False)


class Clause(_Part):
    """One condition of a rule."""

    context_kind: str | None = None
    attribute: str
    op: str
    values: list[Any]
    negate: bool | None = None


class WeightedVariation(_Part):
    """A share of a rollout."""

    variation: Index
    weight: Annotated[int, Field(ge=0, le=_WHOLE)]
    untracked: bool | None = None


class Rollout(_Part):
    """Shares of contexts."""

    kind: str | None = None
    context_kind: str | None = None
    bucket_by: str | None = None
    seed: Integer | None = None
    variations: Annotated[list[WeightedVariation], Field(min_length=1)]


class Outcome(_Part):
    """One variation, or a share of contexts for each of several."""

    variation: Index | None = None
    rollout: Rollout | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Outcome":
        if (self.variation is None) == (self.rollout is None):
            raise ValueError("needs either variation or rollout")
        return self

    def indexes(self) -> Iterator[int]:
        """The variations that it may give."""
        if self.variation is not None:
            yield self.variation
        if self.rollout is not None:
            yield from (each.variation for each in self.rollout.variations)


class Rule(Outcome):
    """Which contexts get which outcome."""

    id: str | None = None
    clauses: list[Clause]
    track_events: bool | None = None


class Target(_Part):
    """Keys that get one variation."""

    context_kind: str | None = None
    variation: Index
    values: list[str]


class Prerequisite(_Part):
    """A flag that has to give one variation first."""

    key: str
    variation: Index


class Migration(_Part):
    """Settings of a flag for migrations."""

    check_ratio: Index | None = None


class Flag(_Part):
    """One flag."""

    key: str
    version: Integer | None = None
    deleted: bool | None = None
    on: bool
    variations: list[Any]
    off_variation: Index | None = None
    fallthrough: Outcome
    prerequisites: list[Prerequisite] | None = None
    targets: list[Target] | None = None
    context_targets: list[Target] | None = None
    rules: list[Rule] | None = None
    salt: str | None = None
    track_events: bool | None = None
    track_events_fallthrough: bool | None = None
    debug_events_until_date: Number | None = None
    migration: Migration | None = None
    exclude_from_summaries: bool | None = None
    sampling_ratio: Index | None = None

    @model_validator(mode="after")
    def _names_its_variations(self) -> "Flag":
        if self.deleted:
            raise ValueError("a deleted flag is left out of the document")
        for index in self._indexes():
            if index >= len(self.variations):
                message = f"names variation {index} of {len(self.variations)}; the first is 0"
                raise ValueError(message)
        return self

    def _indexes(self) -> Iterator[int]:
        if self.off_variation is not None:
            yield self.off_variation
        for outcome in (self.fallthrough, *(self.rules or ())):
            yield from outcome.indexes()
        for target in (*(self.targets or ()), *(self.context_targets or ())):
            yield target.variation

    def segments(self) -> Iterator[str]:
        """The keys of segments that its rules name."""
        for rule in self.rules or ():
            for clause in rule.clauses:
                if clause.op == "segmentMatch":
                    yield from (value for value in clause.values if isinstance(value, str))


def read_flags(body: JsonObject) -> dict[str, Flag]:
    """Read a document of flags. Cost: about 30 ms for each MiB.

    Args:
        body: ``{"flags": {key: flag}}``.

    Raises:
        InvalidRequest: an SDK would refuse it, or more is in it; says where.
    """
    if body.get("segments"):
        raise InvalidRequest(
            "segments: leave them out; SDKs are sent the segments of the environment itself"
        )
    flags, others = body.get("flags"), sorted(body.keys() - {"flags", "segments"})
    if others:
        raise InvalidRequest(f'{others[0]}: there is no such field; send {{"flags": {{…}}}}')
    if not isinstance(flags, dict):
        raise InvalidRequest("flags: send an object of flags by their keys")
    if len(flags) > MOST_FLAGS:
        raise InvalidRequest(f"flags: {len(flags):,} are more than {MOST_FLAGS:,}")
    return {key: _read(key, flag) for key, flag in flags.items()}


def _read(key: str, flag: Any) -> Flag:  # noqa: ANN401 - any JSON
    if _FLAG_KEY.fullmatch(key) is None:
        raise InvalidRequest(
            "flags: a flag's key has 1 to 256 letters, digits, '.', '_' and '-', and begins with a "
            "letter or a digit"
        )
    try:
        read = Flag.model_validate(flag)
    except ValidationError as exc:
        raise refusal(exc, f"flags.{key}") from exc
    if read.key != key:
        raise InvalidRequest(f"flags.{key}.key: another key than the flag's in flags")
    return read
