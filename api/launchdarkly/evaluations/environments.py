"""The segments of whole environments, compiled for evaluation and read again when they change."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

from api.bodies.json_values import JsonObject
from api.errors import Broken
from api.evaluation import (
    Clause,
    CompiledSegment,
    Rule,
    Segment,
    Target,
    compile_segment,
    unreadable_segment,
)
from api.launchdarkly.targeting.stored import read_fields
from api.launchdarkly.wire.links import SegmentPath
from worker.batches import batches
from worker.sized_cache import SizedCache
from worker.store import Definition, EnvironmentRef, ListRef, ListUnknown, Store
from worker.store import Segment as Stored

#: Segments whose targets are read in one round trip: they may be half a megabyte each.
_READ_AT_ONCE: Final = 100
#: Memory of a segment without targets, and of a key in a set or a value in a rule.
_BASE_BYTES: Final = 2_500
_VALUE_BYTES: Final = 140
_UNREADABLE: Final = (
    Broken,
    ListUnknown,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class EvaluableSegment:
    """One version of a segment, ready to evaluate; may be shared between threads."""

    definition: Stored
    compiled: CompiledSegment
    ref: ListRef
    json_start: bytes
    """The fields of an answer that are the same for every context: JSON without its end."""
    size_bytes: int
    """Memory that all of it takes, roughly."""


@dataclass(frozen=True, slots=True)
class EvaluableEnvironment:
    """All segments of an environment, newest first."""

    definitions: Sequence[Stored] | None
    """The list object from the store that they were made from, compared by identity."""
    segments: tuple[EvaluableSegment, ...]
    compiled: Mapping[str, CompiledSegment]
    size_bytes: int

    @classmethod
    def of(
        cls, segments: Sequence[EvaluableSegment], definitions: Sequence[Stored] | None = None
    ) -> "EvaluableEnvironment":
        """Make an environment of segments."""
        compiled = {segment.definition.key: segment.compiled for segment in segments}
        size_bytes = sum(segment.size_bytes for segment in segments)
        return cls(definitions, tuple(segments), compiled, size_bytes)


class EvaluableEnvironments:
    """Caches compiled segments, up to a bound; safe to use from any thread.

    An answer is never older than the call: each call asks the store whether a definition has
    changed. An environment above the bound is cached in part; each call reads and compiles the
    rest again, and holds all of it in memory meanwhile.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._known = SizedCache[EnvironmentRef, EvaluableEnvironment](most_bytes)
        self._making: WeakValueDictionary[EnvironmentRef, threading.Lock] = WeakValueDictionary()

    def read(self, store: Store, env: EnvironmentRef) -> EvaluableEnvironment:
        """Read the environment as it is now, each segment as of one moment.

        Cost: two round trips if nothing has changed; else one or two more, and about 150 µs
        for each segment that has.

        Raises:
            EnvironmentNotFound: or ProjectNotFound.
            ListUnknown: the store has lost its data.
        """
        store.environments.require(env)
        definitions = store.segments.read_remaining(env)
        known = self._known.get(env)
        if known is not None and known.definitions is definitions:
            return known
        with self._lock:
            making = self._making.setdefault(env, threading.Lock())
        # One thread compiles; those that wait for it then find most of the work done.
        with making:
            made = self._make(store, env, definitions)
            kept = self._fit(made)
            self._known.keep(env, kept, kept.size_bytes)
        return made

    def _make(
        self, store: Store, env: EnvironmentRef, definitions: Sequence[Stored]
    ) -> EvaluableEnvironment:
        known = self._known.get(env)
        if known is not None and known.definitions is definitions:
            return known
        before = (
            {} if known is None else {segment.definition.key: segment for segment in known.segments}
        )
        ready: dict[str, EvaluableSegment] = {}
        changed: list[Stored] = []
        for definition in definitions:
            old = before.get(definition.key)
            if old is not None and old.definition == definition:
                ready[definition.key] = old
            else:
                changed.append(definition)
        ready |= _read(store, env, changed)
        # Segments deleted since they were listed are left out.
        segments = [ready[segment.key] for segment in definitions if segment.key in ready]
        return EvaluableEnvironment.of(segments, definitions)

    def _fit(self, made: EvaluableEnvironment) -> EvaluableEnvironment:
        """As much of it as the bound allows."""
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


def _read(
    store: Store, env: EnvironmentRef, changed: Sequence[Stored]
) -> dict[str, EvaluableSegment]:
    """Read and compile changed segments; big ones have nothing more to read."""
    ready = {
        segment.key: make_evaluable(Definition(segment, None))
        for segment in changed
        if segment.unbounded
    }
    standard = {segment.key: segment for segment in changed if not segment.unbounded}
    for keys in batches(standard, _READ_AT_ONCE):
        for definition in store.segments.read_many(env, keys):
            if definition is None:
                continue
            listed = standard[definition.segment.key]
            # Keep one object of two equal ones.
            segment = listed if listed == definition.segment else definition.segment
            ready[listed.key] = make_evaluable(Definition(segment, definition.targeting))
    return ready


def make_evaluable(definition: Definition) -> EvaluableSegment:
    """Compile a segment; one that cannot be read is in error for every context.

    Cost: about 150 µs with 100 targets and three rules.
    """
    segment = definition.segment
    try:
        compiled = compile_segment(_segment(definition))
    except _UNREADABLE:
        message = f"the targets of segment {segment.key!r} cannot be read"
        compiled = unreadable_segment(segment.key, message)
    return EvaluableSegment(
        definition=segment,
        compiled=compiled,
        ref=segment.ref,
        json_start=_write_start(segment),
        size_bytes=_size_bytes(definition.targeting or b""),
    )


def _size_bytes(targeting: bytes) -> int:
    return _BASE_BYTES + len(targeting) + _VALUE_BYTES * targeting.count(b",")


def _segment(definition: Definition) -> Segment:
    stored, fields = definition.segment, read_fields(definition)
    return Segment(
        key=stored.key,
        salt=stored.salt,
        included=fields["included"],
        excluded=fields["excluded"],
        included_contexts=_targets(fields["includedContexts"]),
        excluded_contexts=_targets(fields["excludedContexts"]),
        rules=[_rule(rule) for rule in fields["rules"]],
        unbounded=stored.unbounded,
        unbounded_context_kind=stored.context_kind if stored.unbounded else None,
        generation=stored.generation,
    )


def _targets(entries: list[JsonObject]) -> list[Target]:
    return [Target(entry["contextKind"], entry["values"]) for entry in entries]


def _rule(rule: JsonObject) -> Rule:
    return Rule(
        clauses=[_clause(clause) for clause in rule["clauses"]],
        weight=rule.get("weight"),
        rollout_context_kind=rule.get("rolloutContextKind"),
        bucket_by=rule.get("bucketBy"),
    )


def _clause(clause: dict[str, Any]) -> Clause:
    return Clause(
        attribute=clause["attribute"],
        op=clause["op"],
        values=clause["values"],
        negate=clause["negate"],
        kind=clause["contextKind"],
    )


def _write_start(segment: Stored) -> bytes:
    fields = {
        "name": segment.name,
        "key": segment.key,
        "description": segment.description or "",
        "unbounded": segment.unbounded,
        "external": "",
        "_links": SegmentPath.of(segment).links,
    }
    return json.dumps(fields, separators=(",", ":"))[:-1].encode()
