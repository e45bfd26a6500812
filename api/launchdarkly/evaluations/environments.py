"""The segments of whole environments, ready to be evaluated, read anew only where changed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.evaluation import CompiledSegment
from api.launchdarkly.evaluations.segments import EvaluableSegment, evaluable
from worker.store import Definition, Scope, Segment, Store, batches

#: Segments whose targets are read in one round trip: they may be half a megabyte each.
_READ_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class EvaluableEnvironment:
    """All segments of an environment, newest first."""

    definitions: Sequence[Segment] | None
    """What they were made of: the very object that the store gave."""
    segments: tuple[EvaluableSegment, ...]
    compiled: Mapping[str, CompiledSegment]
    size_bytes: int

    @classmethod
    def of(
        cls, segments: Sequence[EvaluableSegment], definitions: Sequence[Segment] | None = None
    ) -> "EvaluableEnvironment":
        """Put segments together."""
        compiled = {one.definition.key: one.compiled for one in segments}
        size_bytes = sum(one.size_bytes for one in segments)
        return cls(definitions, tuple(segments), compiled, size_bytes)


class EvaluableEnvironments:
    """Remembers what it has made ready, up to a bound; safe from any thread.

    What it gives is never older than the call: the store is asked each time whether a
    definition has changed. An environment above the bound is remembered in part; the rest
    is read and made ready again for each call, which holds all of it in memory meanwhile.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._known: dict[Scope, EvaluableEnvironment] = {}
        self._size_bytes = 0
        self._making: WeakValueDictionary[Scope, threading.Lock] = WeakValueDictionary()

    def read(self, store: Store, scope: Scope) -> EvaluableEnvironment:
        """Give the environment as it is now, each segment as of one moment.

        Cost: two round trips if nothing has changed; else one or two more, and about 150 µs
        for each segment that has.

        Raises:
            EnvironmentNotFound: or ProjectNotFound: no such place.
            ListUnknown: the store has lost its data.
            StoreUnavailable: no answer. Safe to retry.
        """
        store.environments.require(scope)
        definitions = store.segments.found_in(scope)
        known = self._known.get(scope)
        if known is not None and known.definitions is definitions:
            return known
        with self._lock:
            making = self._making.setdefault(scope, threading.Lock())
        # One thread makes them ready; those that wait then find most of it done.
        with making:
            made = self._made(store, scope, definitions)
            self._keep(scope, made)
        return made

    def _made(
        self, store: Store, scope: Scope, definitions: Sequence[Segment]
    ) -> EvaluableEnvironment:
        known = self._known.get(scope)
        if known is not None and known.definitions is definitions:
            return known
        before = {} if known is None else {one.definition.key: one for one in known.segments}
        ready: dict[str, EvaluableSegment] = {}
        changed: list[Segment] = []
        for definition in definitions:
            old = before.get(definition.key)
            if old is not None and old.definition == definition:
                ready[definition.key] = old
            else:
                changed.append(definition)
        ready |= _read(store, scope, changed)
        # Those deleted since they were listed are not there any more.
        segments = [ready[one.key] for one in definitions if one.key in ready]
        return EvaluableEnvironment.of(segments, definitions)

    def _keep(self, scope: Scope, made: EvaluableEnvironment) -> None:
        """Remember it, or as much of it as may be; those kept longest go before it."""
        kept = self._fitting(made)
        with self._lock:
            self._drop(scope)
            while self._known and self._size_bytes + kept.size_bytes > self._most_bytes:
                self._drop(next(iter(self._known)))
            self._known[scope] = kept
            self._size_bytes += kept.size_bytes

    def _fitting(self, made: EvaluableEnvironment) -> EvaluableEnvironment:
        if made.size_bytes <= self._most_bytes:
            return made
        fitting: list[EvaluableSegment] = []
        left = self._most_bytes
        for segment in made.segments:
            left -= segment.size_bytes
            if left < 0:
                break
            fitting.append(segment)
        return EvaluableEnvironment.of(fitting)

    def _drop(self, scope: Scope) -> None:
        known = self._known.pop(scope, None)
        self._size_bytes -= 0 if known is None else known.size_bytes


def _read(store: Store, scope: Scope, changed: Sequence[Segment]) -> dict[str, EvaluableSegment]:
    """Make changed segments ready, as they are now; big ones have nothing more to read."""
    ready = {one.key: evaluable(Definition(one, None)) for one in changed if one.unbounded}
    standard = {one.key: one for one in changed if not one.unbounded}
    for keys in batches(standard, _READ_AT_ONCE):
        for definition in store.segments.read_many(scope, keys):
            if definition is None:
                continue
            listed = standard[definition.segment.key]
            # One object of the two is enough where they are equal.
            segment = listed if listed == definition.segment else definition.segment
            ready[listed.key] = evaluable(Definition(segment, definition.targeting))
    return ready
