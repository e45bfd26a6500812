"""Segments that belong to a project and not to an environment, and flags that name them."""

from worker.store.project_segments.flag_store import FlagStore
from worker.store.project_segments.records import (
    FlagDefinitions,
    FoundSegment,
    NewProjectSegment,
    ProjectSegment,
    ProjectSegmentChange,
    ProjectSegments,
)
from worker.store.project_segments.segment_store import ProjectSegmentStore, SegmentBounds

__all__ = [
    "FlagDefinitions",
    "FlagStore",
    "FoundSegment",
    "NewProjectSegment",
    "ProjectSegment",
    "ProjectSegmentChange",
    "ProjectSegmentStore",
    "ProjectSegments",
    "SegmentBounds",
]
