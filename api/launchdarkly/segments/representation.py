"""The segment as LaunchDarkly's clients see it; they check it strictly.

A field that is absent is left out, never null: the Python client refuses a null link.
Source: section 2.1 of the Segments API's documentation and the clients' models.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.bodies.models import Int32, Int64, StrictBody
from api.launchdarkly.segments.access import Access
from api.launchdarkly.targeting.fields import MOST_TAGS, Description, SegmentName, Tag
from api.launchdarkly.targeting.shapes import SegmentTarget, UserSegmentRule
from api.launchdarkly.targeting.stored import stored_fields
from api.launchdarkly.wire.ignored_fields import ignored_in
from api.launchdarkly.wire.links import Links, SegmentPath, environment_id, link
from worker.store import Definition, ListState, Segment

#: The Go client reads counts as 32-bit integers.
_MOST_INT32 = 2**31 - 1


class NewSegmentBody(StrictBody):
    """What creates a segment; targets and rules in it are ignored, as documented."""

    ignored = ignored_in("new segment")

    name: SegmentName
    key: Annotated[str, Field(max_length=256, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$")]
    description: Description | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None
    unbounded: bool | None = None
    unboundedContextKind: Annotated[  # noqa: N815 - wire name
        str | None, Field(max_length=256, pattern=r"^[a-zA-Z0-9._\-]*$")
    ] = None


class UnboundedMetadata(BaseModel):
    """The lists of a big segment."""

    envId: str  # noqa: N815 - wire name
    segmentId: str  # noqa: N815 - wire name
    version: Int64
    includedCount: Int32  # noqa: N815 - wire name
    excludedCount: Int32  # noqa: N815 - wire name
    lastModified: Int64  # noqa: N815 - wire name
    deleted: bool = False


class FlagListing(BaseModel):
    """A flag that uses the segment; there are none here."""

    name: str
    key: str


class UserSegment(BaseModel):
    """A segment's representation."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    name: str
    key: str
    description: str | None = None
    tags: list[str]
    creationDate: Int64  # noqa: N815 - wire name
    lastModifiedDate: Int64  # noqa: N815 - wire name
    version: Int32
    generation: Int32
    deleted: bool = False
    rules: list[UserSegmentRule] = []
    included: list[str] | None = None
    excluded: list[str] | None = None
    includedContexts: list[SegmentTarget] | None = None  # noqa: N815 - wire name
    excludedContexts: list[SegmentTarget] | None = None  # noqa: N815 - wire name
    unbounded: bool | None = None
    unboundedContextKind: str | None = None  # noqa: N815 - wire name
    unbounded_metadata: UnboundedMetadata | None = Field(None, alias="_unboundedMetadata")
    import_in_progress: bool | None = Field(None, alias="_importInProgress")
    flags: list[FlagListing] | None = Field(None, alias="_flags")
    access: Access | None = Field(None, alias="_access")
    links: Links = Field(alias="_links")


class UserSegments(BaseModel):
    """A page of segments."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    items: list[UserSegment]
    totalCount: Int32  # noqa: N815 - wire name
    links: Links = Field(alias="_links")


def user_segment(definition: Definition, state: ListState | None) -> UserSegment:
    """A segment's representation.

    Args:
        definition: the segment and whom it targets.
        state: what its list record says; ``None`` for a standard segment, and for a big
            one whose record the server has lost.
    """
    shown = untargeted_segment(definition.segment, state)
    if not definition.segment.unbounded:
        for name, value in stored_fields(definition).items():
            setattr(shown, name, value)
    return shown


def untargeted_segment(segment: Segment, state: ListState | None) -> UserSegment:
    """As :meth:`user_segment`, without the lists and rules of a standard segment."""
    path = SegmentPath(segment.scope.project, segment.scope.environment, segment.key)
    shown = UserSegment(
        name=segment.name,
        key=segment.key,
        description=segment.description,
        tags=list(segment.tags),
        creationDate=segment.created_ms,
        lastModifiedDate=segment.modified_ms,
        version=segment.version,
        generation=segment.generation,
        links={
            "parent": link(path.list),
            "self": link(path.self),
            "site": link(path.site, "text/html"),
        },
    )
    if segment.unbounded:
        shown.included = []
        shown.unbounded = True
        shown.unboundedContextKind = segment.context_kind
        if state is not None:
            shown.unbounded_metadata = _metadata(segment, state)
            shown.import_in_progress = state.building is not None
    return shown


def _metadata(segment: Segment, state: ListState) -> UnboundedMetadata:
    return UnboundedMetadata(
        envId=environment_id(segment.scope),
        segmentId=segment.ref.name,
        version=state.version,
        includedCount=min(state.included_count, _MOST_INT32),
        excludedCount=min(state.excluded_count, _MOST_INT32),
        lastModified=state.modified_ms,
    )
