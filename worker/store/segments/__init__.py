"""Segments: their definitions, and the removal of targets that expire."""

from worker.store.segments.definitions import (
    Definition,
    DefinitionChange,
    NewSegment,
    Segment,
    TargetSchedule,
    decode_schedules,
)
from worker.store.segments.erasing import erase_target, find_key
from worker.store.segments.expiry import expire_targets, next_target_ms, save_target_schedules
from worker.store.segments.segment_store import SegmentStore

__all__ = [
    "Definition",
    "DefinitionChange",
    "NewSegment",
    "Segment",
    "SegmentStore",
    "TargetSchedule",
    "decode_schedules",
    "erase_target",
    "expire_targets",
    "find_key",
    "next_target_ms",
    "save_target_schedules",
]
