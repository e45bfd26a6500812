"""The segments of whole projects that this process has read before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.sized_cache import SizedCache
from worker.store.project_segments.records import (
    FlagDefinitions,
    ProjectSegment,
    ProjectSegments,
    decode,
)

#: Bytes of records kept in total, in their stored form.
_MOST_BYTES: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """One project: its segments, each also by its stored form."""

    segments: ProjectSegments
    by_text: Mapping[bytes, ProjectSegment]


class ProjectSegmentCache:
    """Segments by project, with the mark under which they were read.

    Safe from any thread. It does not know whether they are current: callers compare the mark with
    the server's.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._known = SizedCache[str, _Known](most_bytes)

    def get(self, project: str, mark: str) -> ProjectSegments | None:
        """The segments read under this mark, if they are still cached."""
        known = self._known.get(project)
        return known.segments if known is not None and known.segments.mark == mark else None

    def newest(self, project: str) -> tuple[ProjectSegments, dict[str, bytes]] | None:
        """The segments that were read last, and their records by id; ``None`` if there are none."""
        known = self._known.get(project)
        if known is None:
            return None
        return known.segments, {segment.id: text for text, segment in known.by_text.items()}

    def read(
        self,
        project: str,
        mark: str,
        texts: Mapping[str, bytes],
        definitions: FlagDefinitions | None,
    ) -> ProjectSegments:
        """Decode those segments that the last reading did not find as they are, and keep all.

        Args:
            project: the key under which the project's segments are stored.
            mark: they were read under.
            texts: all of them, by id.
            definitions: of the flags.
        """
        known = self._known.get(project)
        before = {} if known is None else known.by_text
        by_text = {
            text: before.get(text) or decode(segment_id, text) for segment_id, text in texts.items()
        }
        segments = ProjectSegments.of(mark, list(by_text.values()), definitions)
        size_bytes = sum(map(len, by_text)) + (len(definitions.document) if definitions else 0)
        self._known.keep(project, _Known(segments, by_text), size_bytes)
        return segments
