"""The content of a segment: from bodies to what is stored, and back."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.bodies.json_values import JsonObject
from api.errors import InvalidRequest
from api.services.services import Services
from api.vercel.segments.bounds import DataBounds, require_bounded
from api.vercel.segments.data import SegmentData
from api.vercel.segments.references import require_nestable, resolve_references
from worker.store import Project, ProjectSegment, ProjectSegments


@dataclass(frozen=True, slots=True)
class Content:
    """Checked data as it is stored, and the ids of the segments that it names."""

    data: str
    references: tuple[str, ...]


class ContentReader:
    """Checks data against the other segments of its project; for one attempt of one request."""

    def __init__(self, services: Services, caller: Caller, project: Project) -> None:
        self._store = services.store()
        self._bounds = DataBounds.of(services.settings)
        self._caller = caller
        self._project = project
        self.seen: ProjectSegments | None = None
        """The project's segments, if the data names any; what is stored depends on them."""

    def read(
        self, data: SegmentData, *, segment_id: str, slug: str, known: Collection[str] = ()
    ) -> Content:
        """Check data and replace slugs of segments by their ids.

        Cost: as reading all segments of the project, if the data names any.

        Args:
            data: of the segment.
            segment_id: of the segment.
            slug: its slug.
            known: ids of the segments that it names already.

        Raises:
            InvalidRequest: the data is too large, or names no segment, or the segment itself.
            Forbidden: it names a segment that the caller may not see and did not name before.
        """
        require_bounded(data, self._bounds)

        def resolve(place: str, name: str) -> str:
            if self.seen is None:
                self.seen = self._store.project_segments.read_all(self._project)
            found = self.seen.find(name)
            if found is None and name in {segment_id, slug}:  # which is not stored yet
                return segment_id
            if found is None or found.id not in known:
                named = name if found is None else found.slug
                require_scope(self._caller, self._project.key, None, named)
            if found is None:
                raise InvalidRequest(f"{place}: the project has no segment of this id or slug")
            return found.id

        wire, references = resolve_references(data.to_wire(), resolve)
        if self.seen is not None:
            require_nestable(segment_id, slug, references, self.seen, may_name=self._may_name)
        return Content(self._write(wire), references)

    def _may_name(self, slug: str) -> bool:
        return self._caller.scope.allows(self._project.key, None, slug)

    def _write(self, data: JsonObject) -> str:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        size_bytes, most = len(text.encode()), self._bounds.size_bytes
        if size_bytes > most:
            raise InvalidRequest(
                f"data: {size_bytes:,} bytes as JSON; at most {most:,} are allowed"
            )
        return text


def load_data(segment: ProjectSegment) -> JsonObject:
    """The data of a stored segment, in its form on the wire."""
    data: dict[str, Any] = json.loads(segment.data)
    return data
