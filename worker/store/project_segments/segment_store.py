"""The segments of each project: created, changed, deleted, and read all at once.

All segments of a project are in one hash, with a mark that every change replaces. A write that
depends on other segments names the mark under which they were read, and is refused once it is
another one.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from worker.store.errors import (
    ProjectNotFound,
    ResourceChanged,
    SegmentExists,
    SegmentNotFound,
    SegmentReferenced,
    TooManySegments,
)
from worker.store.project_segments.cache import ProjectSegmentCache
from worker.store.project_segments.records import (
    FlagDefinitions,
    FoundSegment,
    NewProjectSegment,
    ProjectSegment,
    ProjectSegmentChange,
    ProjectSegments,
    decode,
    decode_definitions,
    encode,
)
from worker.store.projects.records import Project
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: The mark of a project that has never had a segment.
_NONE: Final = "none"
#: For writes that depend on no other segment.
_ANY: Final = ""
#: Bytes of records read in one step, about; and fields, of which a segment has two or three.
_PAGE_BYTES: Final = 512 * 1024
_FEWEST, _MOST = 10, 500
#: Bytes of records that changes are read of in one reply; more are read page by page.
_MOST_CHANGED_BYTES: Final = 8 * 1024 * 1024
#: Tries to read them as of one moment.
_TRIES: Final = 3
#: A request that found the project before it was deleted has ended by then.
_CLOSED_S: Final = 86_400

_SEGMENT: Final = "segment:"
#: What the definitions of flags are called among segments by id.
_DEFINITIONS: Final = ""


@dataclass(frozen=True, slots=True)
class SegmentBounds:
    """How much one project may hold."""

    segments: int
    size_bytes: int
    """Of all records together, in their stored form."""


@dataclass(frozen=True, slots=True)
class _Changes:
    """What has changed until a mark."""

    mark: str
    texts: Mapping[str, bytes | None]
    """Records by id, as they are now; ``None`` if they are gone."""


class ProjectSegmentStore:
    """Segments of projects under one prefix. Every method may raise ``StoreUnavailable``.

    A project that is created again has none: its creation time is in the name of the hash.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._cache = ProjectSegmentCache()

    def create(
        self,
        project: Project,
        new: NewProjectSegment,
        bounds: SegmentBounds,
        *,
        seen: ProjectSegments | None = None,
    ) -> ProjectSegment:
        """Create a segment. Cost: one round trip.

        Args:
            project: that it belongs to.
            new: its content.
            bounds: of the project.
            seen: the segments that it refers to were among these; ``None``: it refers to none.

        Raises:
            SegmentExists: the slug or the id is taken.
            TooManySegments: the project holds as much as it may.
            ResourceChanged: a segment has changed since they were read; nothing was written.
            ProjectNotFound: the project is deleted.
            StoreUnavailable: no answer. A retry may find the segment there.
        """
        now_ms = self._db.now_ms()
        segment = ProjectSegment(
            created_ms=now_ms,
            updated_ms=now_ms,
            revision=self._db.random_name(),
            **{field.name: getattr(new, field.name) for field in dataclasses.fields(new)},
        )
        arguments = (
            *(segment.id, segment.slug, encode(segment), _mark_of(seen), segment.revision),
            *(bounds.segments, bounds.size_bytes),
        )
        key, what = self._key(project), f"create segment {new.slug}"
        reply: bytes = self._db.run(what, "project_segments/create", [key], arguments)
        if reply == b"taken":
            message = f"segment {new.slug} already exists in project {project.key}"
            raise SegmentExists(message)
        self._require_written(reply, project, new.slug, bounds)
        return segment

    def update(
        self,
        project: Project,
        current: ProjectSegment,
        change: ProjectSegmentChange,
        bounds: SegmentBounds,
        *,
        seen: ProjectSegments | None = None,
    ) -> ProjectSegment:
        """Change a segment that is still as it was read. Cost: one round trip.

        Args:
            project: that it belongs to.
            current: as it was read.
            change: its new content.
            bounds: of the project.
            seen: as for :meth:`create`.

        Raises:
            SegmentNotFound: it is deleted.
            TooManySegments: the project holds as many bytes as it may.
            ResourceChanged: it, or one of those seen, has changed since; nothing was written. A
                retry after a lost answer may find its own change.
        """
        segment = dataclasses.replace(
            current,
            updated_ms=max(self._db.now_ms(), current.updated_ms),
            revision=self._db.random_name(),
            **{field.name: getattr(change, field.name) for field in dataclasses.fields(change)},
        )
        arguments = (
            *(segment.id, current.revision, encode(segment), _mark_of(seen), segment.revision),
            bounds.size_bytes,
        )
        key, what = self._key(project), f"change segment {segment.id}"
        reply: bytes = self._db.run(what, "project_segments/update", [key], arguments)
        self._require_written(reply, project, segment.slug, bounds)
        return segment

    def delete(self, project: Project, current: ProjectSegment) -> None:
        """Delete a segment that is still as it was read. Cost: one round trip.

        Args:
            project: that it belongs to.
            current: as it was read.

        Raises:
            SegmentNotFound: it is deleted, or a retry after a lost answer.
            SegmentReferenced: other segments or flags name it.
            ResourceChanged: it has changed since; nothing was deleted.
        """
        arguments = (current.id, current.slug, current.revision, self._db.random_name())
        key, what = self._key(project), f"delete segment {current.id}"
        reply: bytes = self._db.run(what, "project_segments/delete", [key], arguments)
        self._require_written(reply, project, current.slug, None)

    def get(self, project: Project, id_or_slug: str) -> FoundSegment:
        """Read a segment by its id or, if none has it, by its slug, and who refers to it.

        Cost: one round trip, one more for a slug.

        Raises:
            SegmentNotFound: there is none.
            UnreadableRecord: it is damaged, or of another release.
        """
        key, segment_id = self._key(project), id_or_slug
        with driver_errors(f"read segment {id_or_slug}"):
            names = [*_fields(id_or_slug), f"slug:{id_or_slug}"]
            text, users, flags, found = self._db.client.hmget(key, names)
            if text is None and found is not None:
                segment_id = found.decode()
                text, users, flags = self._db.client.hmget(key, _fields(segment_id))
        if text is None:
            raise _not_found(project, id_or_slug)
        segment = decode(segment_id, text)
        return FoundSegment(segment, _load_names(users), _load_names(flags))

    def read_all(self, project: Project) -> ProjectSegments:
        """All segments of a project, and the flags that name them, as of one moment.

        Cost: one round trip if nothing has changed since this process read them last, two if up to
        256 changes were made; else two more and one for each half mebibyte of records. Only those
        that have changed are decoded.

        Raises:
            ProjectNotFound: the project is deleted; else its segments would look like none.
            ResourceChanged: they change hundreds of times while they are read. Safe to retry.
            UnreadableRecord: one is damaged, or of another release.
        """
        key = self._key(project)
        mark, page = self._read_state(key, project)
        known = self._cache.get(key, mark)
        if known is not None:
            return known
        newest = self._cache.newest(key)
        if newest is not None:
            segments, texts = newest
            changes = self._read_changes(key, project, segments.mark)
            if changes is not None:
                return self._decode(key, project, texts, changes, segments.definitions)
        for _ in range(_TRIES):
            texts = self._scan(key, project, page)
            changes = self._read_changes(key, project, mark)
            if changes is not None:
                return self._decode(key, project, texts, changes, None)
            mark, page = self._read_state(key, project)
        message = f"the segments of project {project.key} change too fast; try again later"
        raise ResourceChanged(message)

    def _read_changes(self, key: str, project: Project, mark: str) -> _Changes | None:
        """What has changed since this mark; ``None`` if the server does not know."""
        what = f"read what has changed in project {project.key}"
        found = self._db.run(
            what, "project_segments/read_changes", [key], [mark, _MOST_CHANGED_BYTES]
        )
        now, is_known, *rest = found
        if not is_known:
            return None
        ids = [name.decode() for name in rest[::2]]
        return _Changes(now.decode(), dict(zip(ids, rest[1::2], strict=True)))

    def _decode(
        self,
        key: str,
        project: Project,
        before: Mapping[str, bytes],
        changes: _Changes,
        definitions: FlagDefinitions | None,
    ) -> ProjectSegments:
        """Decode records that were read before, and what has changed since."""
        texts = {name: text for name, text in before.items() if name not in changes.texts}
        texts |= {name: text for name, text in changes.texts.items() if text is not None}
        text = texts.pop(_DEFINITIONS, None)
        if text is not None:
            definitions = decode_definitions(text, project.key)
        elif _DEFINITIONS in changes.texts:
            definitions = None
        return self._cache.read(key, changes.mark, texts, definitions)

    def read_mark(self, project: Project) -> str:
        """The mark of changes of segments and definitions; every change makes another one.

        Cost: one round trip.
        """
        return self._read_state(self._key(project), project)[0]

    def close(self, project: Project) -> None:
        """Free the segments of a deleted project, and take no new ones. Safe to repeat."""
        what = f"free the segments of project {project.key}"
        self._db.run(what, "project_segments/close", [self._key(project)], [_CLOSED_S])

    def _key(self, project: Project) -> str:
        return self._db.keys.project_segments(project.key, project.created_ms)

    def _read_state(self, key: str, project: Project) -> tuple[str, int]:
        """The mark, and how many fields to read in one step."""
        with driver_errors(f"check whether segments of project {project.key} were changed"):
            state = self._db.client.hmget(key, ["closed", "changed", "count", "bytes"])
        closed, mark, count, size_bytes = state
        if closed is not None:
            raise _project_not_found(project)
        page = 2 * int(count or 0) * _PAGE_BYTES // max(1, int(size_bytes or 0))
        return _NONE if mark is None else mark.decode(), min(max(page, _FEWEST), _MOST)

    def _scan(self, key: str, project: Project, page: int) -> dict[str, bytes]:
        """All records by id, page by page: one long reply would hold up the server.

        The definitions of flags are among them, under a name that no id is.
        """
        cursor, found = 0, dict[str, bytes]()
        with driver_errors(f"read the segments of project {project.key}"):
            while True:
                cursor, fields = self._db.client.hscan(key, cursor, count=page)
                for field, text in fields.items():
                    name = field.decode()
                    if name.startswith(_SEGMENT):
                        found[name.removeprefix(_SEGMENT)] = text
                    elif name == "definitions":
                        found[_DEFINITIONS] = text
                if not cursor:
                    return found

    @staticmethod
    def _require_written(
        reply: bytes, project: Project, slug: str, bounds: SegmentBounds | None
    ) -> None:
        match reply:
            case b"ok":
                return
            case b"gone":
                raise _not_found(project, slug)
            case b"used":
                message = f"other segments or flags of project {project.key} name segment {slug}"
                raise SegmentReferenced(message)
            case b"closed":
                raise _project_not_found(project)
            case b"full" | b"large" if bounds is not None:
                most = (
                    f"{bounds.segments:,} segments"
                    if reply == b"full"
                    else f"{bounds.size_bytes:,} bytes of segments"
                )
                message = f"project {project.key} may hold {most}; delete some first"
                raise TooManySegments(message)
            case _:
                message = f"segment {slug}, or one that it depends on, was changed at the same time"
                raise ResourceChanged(message)


def _not_found(project: Project, id_or_slug: str) -> SegmentNotFound:
    return SegmentNotFound(f"project {project.key} has no segment {id_or_slug[:512]}")


def _fields(segment_id: str) -> list[str]:
    """Where a segment is, and the segments and flags that name it."""
    return [f"{_SEGMENT}{segment_id}", f"users:{segment_id}", f"flags:{segment_id}"]


def _load_names(text: bytes | None) -> tuple[str, ...]:
    return () if text is None else tuple(from_json(text))


def _mark_of(seen: ProjectSegments | None) -> str:
    return _ANY if seen is None else seen.mark


def _project_not_found(project: Project) -> ProjectNotFound:
    return ProjectNotFound(f"project {project.key} does not exist")
