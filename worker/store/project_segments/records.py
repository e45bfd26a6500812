"""A segment of a project as a value, and the two lines in which it is stored.

The first line is JSON about the segment, the second is its data, a JSON text of the dialect that
the store keeps as it is: scripts parse the first line only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from worker.store.errors import UnreadableRecord
from worker.store.records import RecordCodec, stored

_LINE: Final = b"\n"
#: The number of a change, its Unix ms, and a random name.
_MARK: Final = re.compile(r"(\d+) (\d+) ")


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
    """The key of each list that is attached to it, by ``side/kind/attribute``."""


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


@stored
@dataclass(frozen=True, slots=True)
class FlagDefinitions:
    """Definitions of flags whose rules name segments."""

    revision: str
    """A random name that every change replaces."""
    document: str = field(repr=False)
    """JSON on one line, as the dialect gave it."""
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By a segment's id: the keys of the flags that name it."""
    flag_count: int = 0
    """How many flags are defined."""


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment, and who names it."""

    segment: ProjectSegment
    users: tuple[str, ...]
    """Ids of the segments that refer to it."""
    flags: tuple[str, ...] = ()
    """Keys of the flags whose definitions name it."""


@dataclass(frozen=True, slots=True)
class ProjectSegments:
    """All segments of a project, and the flags that name them, as of one moment."""

    mark: str
    """Another one after every change."""
    by_id: Mapping[str, ProjectSegment]
    """In the order of their creation."""
    by_slug: Mapping[str, ProjectSegment]
    definitions: FlagDefinitions | None = None

    @property
    def change_number(self) -> int:
        """How many changes there were; 0 before the first."""
        return self._change[0]

    @property
    def changed_ms(self) -> int:
        """When the last change was made, later than any before it; 0 before the first."""
        return self._change[1]

    @property
    def _change(self) -> tuple[int, int]:
        found = _MARK.match(self.mark)
        return (0, 0) if found is None else (int(found[1]), int(found[2]))

    @classmethod
    def of(
        cls,
        mark: str,
        segments: list[ProjectSegment],
        definitions: FlagDefinitions | None = None,
    ) -> "ProjectSegments":
        """Order and index segments."""
        segments.sort(key=lambda segment: (segment.created_ms, segment.id))
        return cls(
            mark,
            MappingProxyType({segment.id: segment for segment in segments}),
            MappingProxyType({segment.slug: segment for segment in segments}),
            definitions,
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

    def flags(self) -> Mapping[str, tuple[str, ...]]:
        """By a segment's id, the keys of the flags that name it."""
        return {} if self.definitions is None else self.definitions.users


_CODEC: Final = RecordCodec(ProjectSegment, outside=["id", "data"])
_DEFINITIONS: Final = RecordCodec(FlagDefinitions, outside=["document"])


def encode(segment: ProjectSegment) -> bytes:
    """The stored form; the id is in the field's name."""
    return _CODEC.encode(segment) + _LINE + segment.data.encode()


def decode(segment_id: str, text: bytes) -> ProjectSegment:
    """Read the stored form. Cost: about 5 µs; the data is not parsed.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    name = f"segment {segment_id}"
    record, data = _split(text, name)
    return _CODEC.decode(record, name, id=segment_id, data=data)


def encode_definitions(definitions: FlagDefinitions) -> bytes:
    """The stored form."""
    return _DEFINITIONS.encode(definitions) + _LINE + definitions.document.encode()


def decode_definitions(text: bytes, project: str) -> FlagDefinitions:
    """Read the stored form. Errors: as :func:`decode`."""
    name = f"the flag definitions of project {project}"
    record, document = _split(text, name)
    return _DEFINITIONS.decode(record, name, document=document)


def _split(text: bytes, name: str) -> tuple[bytes, str]:
    record, _, second = text.partition(_LINE)
    try:
        return record, second.decode()
    except UnicodeDecodeError as exc:
        raise UnreadableRecord.of(name) from exc
