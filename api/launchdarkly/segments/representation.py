"""The segment as LaunchDarkly's clients see it, and as patches are applied to it.

Plain JSON with wire names, so stored targets and rules are sent unchanged. The clients check it
strictly: a field without a value is left out, never null.
Source: section 2.1 of the Segments API's documentation and the clients' models
``UserSegment``, ``UserSegmentRule``, ``Clause`` and ``SegmentTarget``.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from fastapi import Response
from pydantic import Field
from pydantic_core import to_json
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.bodies.json_values import JsonObject
from api.bodies.models import Int32, Int64, StrictBody
from api.launchdarkly.segments.access_field import Access
from api.launchdarkly.targeting.fields import (
    MOST_TAGS,
    WHOLE_WEIGHT,
    Description,
    ResourceKey,
    SegmentName,
    Tag,
)
from api.launchdarkly.targeting.stored import read_fields, read_members
from api.launchdarkly.targeting.values import Operator
from api.launchdarkly.wire.ignored_fields import ignored_in
from api.launchdarkly.wire.links import Links, SegmentPath, environment_id
from worker.store import Definition, ListState, ListUnknown, Segment, Store

#: The Go client reads counts as 32-bit integers.
_MOST_INT32 = 2**31 - 1


class NewSegmentBody(StrictBody):
    """A new segment; targets and rules in it are ignored, as documented."""

    ignored = ignored_in("new segment")

    name: SegmentName
    key: ResourceKey
    description: Description | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None
    unbounded: bool | None = None
    unbounded_context_kind: Annotated[
        str | None, Field(max_length=256, pattern=r"^[a-zA-Z0-9._\-]*$")
    ] = None


class UserSegmentClause(TypedDict):
    """One condition: an attribute of a context, compared with values."""

    _id: str
    attribute: str
    op: Operator
    values: list[Any]
    contextKind: str
    negate: bool


class UserSegmentRule(TypedDict):
    """Clauses that must all match, and the share of the matching contexts that is included."""

    _id: str
    clauses: list[UserSegmentClause]
    rolloutContextKind: str
    weight: NotRequired[Annotated[Int32, Field(ge=0, le=WHOLE_WEIGHT)]]
    bucketBy: NotRequired[str]
    description: NotRequired[str]


class SegmentTarget(TypedDict):
    """Keys of one context kind."""

    contextKind: str
    values: list[str]


class UnboundedMetadata(TypedDict):
    """The lists of a big segment."""

    envId: str
    segmentId: str
    version: Int64
    includedCount: Int32
    excludedCount: Int32
    lastModified: Int64
    deleted: bool


class FlagListing(TypedDict):
    """A flag that uses the segment; there are none here."""

    name: str
    key: str


class UserSegment(TypedDict):
    """A segment's representation."""

    name: str
    key: str
    description: NotRequired[str]
    tags: list[str]
    creationDate: Int64
    lastModifiedDate: Int64
    version: Int32
    generation: Int32
    deleted: bool
    rules: list[UserSegmentRule]
    included: NotRequired[list[str]]
    excluded: NotRequired[list[str]]
    includedContexts: NotRequired[list[SegmentTarget]]
    excludedContexts: NotRequired[list[SegmentTarget]]
    unbounded: NotRequired[bool]
    unboundedContextKind: NotRequired[str]
    _unboundedMetadata: NotRequired[UnboundedMetadata]
    _importInProgress: NotRequired[bool]
    _flags: NotRequired[list[FlagListing]]
    _access: NotRequired[Access]
    _links: Links


class UserSegments(TypedDict):
    """A page of segments."""

    items: list[UserSegment]
    totalCount: Int32
    _links: Links


def read_state(store: Store, segment: Segment) -> ListState | None:
    """Read the state of a segment's lists; ``None`` for a standard one or a lost record.

    Cost: one round trip for a big segment.

    Raises:
        SegmentNotFound: the segment was deleted meanwhile.
    """
    if not segment.unbounded:
        return None
    try:
        return store.memberships.state(segment.ref)
    except ListUnknown:
        return None


def read_states(store: Store, segments: Sequence[Segment]) -> list[ListState | None]:
    """As :func:`read_state` for many segments. Cost: one round trip unless a record is lost."""
    refs = [segment.ref for segment in segments if segment.unbounded]
    if not refs:
        return [None] * len(segments)
    try:
        states = iter(store.memberships.states(refs))
    except ListUnknown:
        # One of them is lost; the others are still complete.
        return [read_state(store, segment) for segment in segments]
    return [next(states) if segment.unbounded else None for segment in segments]


def represent(definition: Definition, state: ListState | None, **own: object) -> JsonObject:
    """Make a segment's representation, a ``UserSegment``.

    Args:
        definition: the segment and its targets.
        state: of its lists; ``None`` for a standard segment, and for a big one whose record
            the server has lost.
        own: fields that only some answers have, such as ``_access``.
    """
    segment = definition.segment
    if segment.unbounded:
        targeting = {"rules": [], "included": [], **_describe_lists(segment, state)}
    else:
        fields = read_fields(definition)
        targeting = {"rules": fields.pop("rules"), **fields}
    return {**_describe(segment), **targeting, **own, "_links": SegmentPath.of(segment).links}


def segment_response(representation: JsonObject, status: int = 200) -> Response:
    """Answer with a segment."""
    return Response(to_json(representation), status, media_type="application/json")


def page_json(
    definitions: Sequence[Definition],
    states: Sequence[ListState | None],
    *,
    total: int,
    links: Links,
) -> bytes:
    """Write a page, a ``UserSegments``.

    Stored targets and rules are copied without being parsed, which would cost more than all
    the rest.

    Args:
        definitions: the page.
        states: of each, the state of its lists.
        total: segments in all.
        links: of the page.
    """
    pairs = zip(definitions, states, strict=True)
    items = b",".join(_item_json(definition, state) for definition, state in pairs)
    tail = f'],"totalCount":{total},"_links":{json.dumps(links)}}}'
    return b'{"items":[' + items + tail.encode()


def _item_json(definition: Definition, state: ListState | None) -> bytes:
    segment = definition.segment
    if segment.unbounded:
        return to_json(represent(definition, state))
    fields = {**_describe(segment), "_links": SegmentPath.of(segment).links}
    return to_json(fields)[:-1] + b"," + read_members(definition) + b"}"


def _describe(segment: Segment) -> JsonObject:
    about = {} if segment.description is None else {"description": segment.description}
    return {
        "name": segment.name,
        "key": segment.key,
        **about,
        "tags": list(segment.tags),
        "creationDate": segment.created_ms,
        "lastModifiedDate": segment.modified_ms,
        "version": segment.version,
        "generation": segment.generation,
        "deleted": False,
    }


def _describe_lists(segment: Segment, state: ListState | None) -> JsonObject:
    fields: JsonObject = {"unbounded": True, "unboundedContextKind": segment.context_kind}
    if state is not None:
        metadata: UnboundedMetadata = {
            "envId": environment_id(segment.env),
            "segmentId": segment.ref.name,
            "version": state.version,
            "includedCount": min(state.included_count, _MOST_INT32),
            "excludedCount": min(state.excluded_count, _MOST_INT32),
            "lastModified": state.modified_ms,
            "deleted": False,
        }
        fields["_unboundedMetadata"] = metadata
        fields["_importInProgress"] = state.building is not None
    return fields
