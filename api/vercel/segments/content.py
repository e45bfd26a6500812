"""The content of a segment: from bodies to what is stored, and back."""

import json
from dataclasses import dataclass
from typing import Any

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.bodies.json_values import JsonObject
from api.errors import InvalidRequest
from api.vercel.segments.bounds import DataBounds, PatternFault, require_bounded
from api.vercel.segments.data import SegmentData
from api.vercel.segments.references import require_nestable, resolve_references
from worker.store import Project, ProjectSegment, ProjectSegments


@dataclass(frozen=True, slots=True)
class Content:
    """Checked data as it is stored, and the ids of the segments that it names."""

    data: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContentReader:
    """Checks data against a project as it was read; for one request."""

    project: Project
    segments: ProjectSegments
    caller: Caller
    bounds: DataBounds
    pattern_fault: PatternFault

    def read(
        self, data: SegmentData, *, segment_id: str, slug: str, current: ProjectSegment | None
    ) -> Content:
        """Check data and replace slugs of segments by their ids.

        Args:
            data: of the segment.
            segment_id: of the segment.
            slug: its slug.
            current: the segment as it is, if it exists.

        Raises:
            InvalidRequest: the data is too large, or names no segment, or the segment itself.
            Forbidden: it names a segment that the caller may not see and did not name before.
        """
        require_bounded(data, self.bounds, self.pattern_fault)
        before = frozenset() if current is None else frozenset(current.references)

        def resolve(place: str, name: str) -> str:
            found = self.segments.find(name)
            if found is None and name in {segment_id, slug}:
                return segment_id
            if found is None or found.id not in before:
                named = name if found is None else found.slug
                require_scope(self.caller, self.project.key, None, named)
            if found is None:
                raise InvalidRequest(f"{place}: the project has no segment of this id or slug")
            return found.id

        wire, references = resolve_references(data.to_wire(), resolve)
        if references:
            require_nestable(segment_id, slug, references, self.segments)
        text = write_data(wire)
        size_bytes = len(text.encode())
        if size_bytes > self.bounds.size_bytes:
            most = f"{self.bounds.size_bytes:,}"
            raise InvalidRequest(f"data: {size_bytes:,} bytes as JSON; at most {most} are allowed")
        return Content(text, references)


def write_data(data: JsonObject) -> str:
    """The stored text of data: JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def load_data(segment: ProjectSegment) -> JsonObject:
    """The data of a stored segment, in its form on the wire."""
    data: dict[str, Any] = json.loads(segment.data)
    return data
