"""Flags as LaunchDarkly's SDKs hold them: read strictly, and made whole.

An SDK that is sent one field of another type than it expects, or lacks one, drops all that it was
sent. So every field that an SDK reads is checked, and those that one of them requires are filled
in. Fields that none reads are kept.

Source: the data models of python-server-sdk 9.18.2, which is the strictest about types, and of
rust-server-sdk-evaluation, which is about what has to be there.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from api.bodies.faults import refusal
from api.bodies.json_members import read_members
from api.bodies.models import MAX_SAFE_INTEGER, WireModel, blank_is, null_is
from api.errors import InvalidRequest
from api.launchdarkly.targeting.fields import KindName

MOST_FLAGS: Final = 10_000
_FLAGS: Final = "flags"
#: Of all rollouts; an SDK takes a bucket for a share of it.
_WHOLE: Final = 100_000
#: LaunchDarkly's keys; they are parts of paths in streams, and need no escapes in JSON.
_FLAG_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")

#: What some SDKs hold as a double.
_LARGEST: Final = 2**1023
#: What some SDKs hold in 32 bits.
_LARGEST_32: Final = 2**31 - 1

Part = TypeVar("Part")


def _require_doubles(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Refuse integers that have no double: the reader of bodies has refused other numbers."""
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("a number over the range of a double")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        _require_doubles(part)
    return value


Values = Annotated[list[Any], AfterValidator(_require_doubles)]
Parts = Annotated[list[Part], Field(default_factory=list), null_is([])]
Switch = Annotated[bool, null_is(default=False)]
Text = Annotated[str, null_is("")]
Integer = Annotated[int, Field(ge=-_LARGEST_32 - 1, le=_LARGEST_32)]
Index = Annotated[int, Field(ge=0, le=_LARGEST_32)]
Kind = Annotated[KindName | None, blank_is(None)]
Attribute = Annotated[str | None, blank_is(None)]


class _Part(WireModel):
    """Any part of a flag."""

    model_config = ConfigDict(extra="allow", strict=True, validate_by_name=False)


class Clause(_Part):
    """One condition of a rule."""

    context_kind: Kind = None
    attribute: Text = ""
    op: str
    values: Values
    negate: Switch = False


class WeightedVariation(_Part):
    """A share of a rollout."""

    variation: Index
    weight: Annotated[int, Field(ge=0, le=_WHOLE)]
    untracked: Switch = False


class Rollout(_Part):
    """Shares of contexts."""

    kind: Annotated[Literal["rollout", "experiment"] | None, blank_is(None)] = None
    context_kind: Kind = None
    bucket_by: Attribute = None
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

    id: Text = ""
    clauses: list[Clause]
    track_events: Switch = False


class Target(_Part):
    """Keys that get one variation."""

    context_kind: Kind = None
    variation: Index
    values: list[str]


class Prerequisite(_Part):
    """A flag that has to give one variation first."""

    key: str
    variation: Index


class Migration(_Part):
    """Settings of a flag for migrations."""

    check_ratio: Index | None = None


class ClientSideAvailability(_Part):
    """Which SDKs of clients a Relay Proxy tells of a flag."""

    using_environment_id: Switch = False
    using_mobile_key: Switch = False


class Flag(_Part):
    """One flag."""

    key: str
    version: Annotated[int | None, Field(ge=0, le=MAX_SAFE_INTEGER)] = None
    deleted: Switch = False
    on: bool
    variations: Values
    off_variation: Index | None = None
    fallthrough: Outcome
    prerequisites: Parts[Prerequisite]
    targets: Parts[Target]
    context_targets: Parts[Target]
    rules: Parts[Rule]
    salt: Text = ""
    track_events: Switch = False
    track_events_fallthrough: Switch = False
    debug_events_until_date: Annotated[int | None, Field(ge=0, le=MAX_SAFE_INTEGER)] = None
    migration: Migration | None = None
    exclude_from_summaries: Switch = False
    sampling_ratio: Index | None = None
    client_side: Switch = False
    client_side_availability: ClientSideAvailability | None = None

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
        for outcome in (self.fallthrough, *self.rules):
            yield from outcome.indexes()
        for target in (*self.targets, *self.context_targets):
            yield target.variation

    def rest(self) -> bytes:
        """All that an SDK requires but the version, as JSON without the brace at its beginning.

        A null field counts as absent. Members of what is of free form keep their order.
        """
        fields = self.model_dump(exclude_none=True, exclude={"version"})
        return json.dumps(fields, separators=(",", ":")).encode()[1:]

    def segments(self) -> Iterator[str]:
        """The keys of segments that its rules name."""
        for rule in self.rules:
            for clause in rule.clauses:
                if clause.op == "segmentMatch":
                    yield from (value for value in clause.values if isinstance(value, str))


def read_flags(raw: bytes) -> Iterator[Flag]:
    """Read the flags of a document, one by one. Cost: about 0.1 ms a flag.

    Args:
        raw: ``{"flags": {key: flag}}``.

    Raises:
        InvalidRequest: an SDK would refuse it, or more is in it; says where.
    """
    there, count = False, 0
    for names, value in read_members(raw, inside=_FLAGS):
        match names:
            case (_, key):
                count += 1
                if count > MOST_FLAGS:
                    raise InvalidRequest(f"flags: there are more than {MOST_FLAGS:,}")
                yield _read(key, value)
            case (name,):
                _require_known(name, value)
                there = there or name == _FLAGS
    if not there:
        raise InvalidRequest("flags: send an object of flags by their keys")


def _require_known(name: str, value: object) -> None:
    if name == _FLAGS and not isinstance(value, dict):
        raise InvalidRequest("flags: send an object of flags by their keys")
    if name == "segments" and value:
        raise InvalidRequest(
            "segments: leave them out; SDKs are sent the segments of the environment itself"
        )
    if name not in (_FLAGS, "segments"):
        raise InvalidRequest(f'{name}: there is no such field; send {{"flags": {{…}}}}')


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
