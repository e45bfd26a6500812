"""A segment of a project as a value, and the two lines in which it is stored.

The first line is JSON about the segment, the second is its data, a JSON text of the dialect that
the store keeps as it is: scripts parse the first line only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from worker.store.errors import UnreadableRecord
from worker.store.records import RecordCodec, stored

_LINE: Final = b"\n"


@stored
@dataclass(frozen=True, slots=True)
class ProjectSegment:
    """A segment of a project."""

    id: str
    slug: str
    label: str
    hint: str
    created_ms: int
    updated_ms: int
    revision: str
    """A random name that every change replaces: no two states of a segment share it, not even if
    the server has lost one of them."""
    data: str = field(repr=False)
    """JSON on one line, as the dialect gave it."""
    description: str | None = None
    created_by: str | None = None
    """Who created it, in the caller's words."""
    creator_id: str = ""
    """Of the access token that created it."""
    creator_name: str = ""
    references: tuple[str, ...] = ()
    """Ids of the segments that its data names."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Lists that are attached to it: ``side/kind/attribute`` to the name of a list."""


@dataclass(frozen=True, slots=True)
class NewProjectSegment:
    """The content of a new segment."""

    id: str
    slug: str
    label: str
    hint: str
    data: str
    description: str | None = None
    created_by: str | None = None
    creator_id: str = ""
    creator_name: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectSegmentChange:
    """Everything in a segment that can change; the rest is fixed at its creation."""

    label: str
    hint: str
    description: str | None
    data: str
    references: tuple[str, ...]
    lists: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment and the segments that refer to it."""

    segment: ProjectSegment
    users: tuple[str, ...]
    """Their ids."""


@dataclass(frozen=True, slots=True)
class ProjectSegments:
    """All segments of a project as of one moment."""

    mark: str
    """Another one after every change."""
    by_id: Mapping[str, ProjectSegment]
    """In the order of their creation."""
    by_slug: Mapping[str, ProjectSegment]

    @classmethod
    def of(cls, mark: str, segments: list[ProjectSegment]) -> "ProjectSegments":
        """Order and index segments."""
        segments.sort(key=lambda segment: (segment.created_ms, segment.id))
        return cls(
            mark,
            MappingProxyType({segment.id: segment for segment in segments}),
            MappingProxyType({segment.slug: segment for segment in segments}),
        )

    def find(self, id_or_slug: str) -> ProjectSegment | None:
        """Find a segment by its id or, if none has it, by its slug."""
        return self.by_id.get(id_or_slug) or self.by_slug.get(id_or_slug)

    def users(self) -> Mapping[str, list[ProjectSegment]]:
        """Those that refer to each segment, by its id; none for a segment without any."""
        users: dict[str, list[ProjectSegment]] = {}
        for segment in self.by_id.values():
            for reference in segment.references:
                users.setdefault(reference, []).append(segment)
        return users


_CODEC: Final = RecordCodec(ProjectSegment, outside=["id", "data"])


def encode(segment: ProjectSegment) -> bytes:
    """The stored form; the id is in the field's name."""
    return _CODEC.encode(segment) + _LINE + segment.data.encode()


def decode(segment_id: str, text: bytes) -> ProjectSegment:
    """Read the stored form. Cost: about 5 µs; the data is not parsed.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    name = f"segment {segment_id}"
    record, _, data = text.partition(_LINE)
    fields: dict[str, Any] = {"id": segment_id}
    try:
        fields["data"] = data.decode()
    except UnicodeDecodeError as exc:
        raise UnreadableRecord.of(name) from exc
    return _CODEC.decode(record, name, **fields)
