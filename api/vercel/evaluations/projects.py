"""The segments of whole projects, compiled for evaluation and read again when they change."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.vercel.evaluation import Attachment, CompiledSegment, compile_segment
from api.vercel.evaluation.compiling import CompiledRule
from api.vercel.segments.content import load_data
from api.vercel.wire.list_names import ListName
from worker.sized_cache import SizedCache
from worker.store import (
    ListRef,
    Project,
    ProjectSegment,
    ProjectSegments,
    Store,
    attached_list_ref,
)

#: Memory of a segment without data, and of each byte of its data.
_BASE_BYTES: Final = 2_000
_TIMES: Final = 6
_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class EvaluableSegment:
    """One state of a segment, ready to evaluate; may be shared between threads."""

    id: str
    slug: str
    revision: str
    compiled: CompiledSegment
    lists: Mapping[ListName, ListRef]
    size_bytes: int
    """Memory that all of it takes, roughly."""


@dataclass(frozen=True, slots=True)
class EvaluableProject:
    """All segments of a project, in the order of their creation."""

    known: ProjectSegments | None
    """The object from the store that they were made from, compared by identity; ``None`` if only
    part of them is here."""
    segments: Mapping[str, EvaluableSegment]
    size_bytes: int

    def resolve(self, segment_id: str) -> CompiledSegment | None:
        """The segment that a condition names."""
        found = self.segments.get(segment_id)
        return None if found is None else found.compiled


_Key = tuple[str, int]


class EvaluableProjects:
    """Caches compiled segments, up to a bound; safe to use from any thread.

    An answer is never older than the call: each call asks the store whether a segment has changed.
    A project above the bound is cached in part; each call compiles the rest again. That part takes
    half of the room at most, so that such a project does not drop all others at each of its calls.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept = SizedCache[_Key, EvaluableProject](most_bytes)
        self._making: WeakValueDictionary[_Key, threading.Lock] = WeakValueDictionary()

    def read(self, store: Store, project: Project) -> EvaluableProject:
        """Read the project as it is now.

        Cost: one round trip if nothing has changed; else two more, and for each segment that has
        changed about 3 µs a condition.

        Raises:
            ResourceChanged: the segments change without a pause. Safe to retry.
        """
        key, segments = (project.key, project.created_ms), store.project_segments.read_all(project)
        kept = self._kept.get(key)
        if kept is not None and kept.known is segments:
            return kept
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        # One thread compiles; those that wait for it then find the work done.
        with making:
            made = self._make(key, project, segments)
            kept = self._fit(made)
            self._kept.keep(key, kept, kept.size_bytes)
        return made

    def _make(self, key: _Key, project: Project, segments: ProjectSegments) -> EvaluableProject:
        kept = self._kept.get(key)
        if kept is not None and kept.known is segments:
            return kept
        before = {} if kept is None else kept.segments
        made = {
            segment.id: _reuse(before.get(segment.id), segment) or make_evaluable(project, segment)
            for segment in segments.by_id.values()
        }
        size_bytes = sum(segment.size_bytes for segment in made.values())
        return EvaluableProject(segments, made, size_bytes)

    def _fit(self, made: EvaluableProject) -> EvaluableProject:
        """As much of it as the bound allows."""
        if made.size_bytes <= self._most_bytes:
            return made
        fitting: dict[str, EvaluableSegment] = {}
        size_bytes = 0
        for name, segment in made.segments.items():
            if size_bytes + segment.size_bytes > self._most_bytes // 2:
                break
            fitting[name] = segment
            size_bytes += segment.size_bytes
        return EvaluableProject(None, fitting, size_bytes)


def make_evaluable(project: Project, segment: ProjectSegment) -> EvaluableSegment:
    """Compile a segment, with the lists that are attached to it."""
    lists = {
        ListName.parse(name): attached_list_ref(project.key, key)
        for name, key in segment.lists.items()
    }
    return EvaluableSegment(
        id=segment.id,
        slug=segment.slug,
        revision=segment.revision,
        compiled=_compile(segment, lists),
        lists=lists,
        size_bytes=_BASE_BYTES + _TIMES * len(segment.data),
    )


def _compile(segment: ProjectSegment, lists: Iterable[ListName]) -> CompiledSegment:
    """Compile a segment; one whose data cannot be read is in error for all entities."""
    attachments = [Attachment(name.side, name.kind, name.attribute) for name in sorted(lists)]
    try:
        return compile_segment(segment.id, load_data(segment), attachments=attachments)
    except _UNREADABLE:
        error = f"the data of segment {segment.slug!r} cannot be read"
        rules = (CompiledRule(None, (), None, error),)
        return CompiledSegment(segment.id, (), (), rules, (), frozenset(), 1)


def _reuse(old: EvaluableSegment | None, segment: ProjectSegment) -> EvaluableSegment | None:
    return old if old is not None and old.revision == segment.revision else None
