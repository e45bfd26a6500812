"""Segments that belong to a project and not to an environment."""

from worker.store.project_segments.records import (
    FoundSegment,
    NewProjectSegment,
    ProjectSegment,
    ProjectSegmentChange,
    ProjectSegments,
)
from worker.store.project_segments.segment_store import ProjectSegmentStore, SegmentBounds

__all__ = [
    "FoundSegment",
    "NewProjectSegment",
    "ProjectSegment",
    "ProjectSegmentChange",
    "ProjectSegmentStore",
    "ProjectSegments",
    "SegmentBounds",
]
