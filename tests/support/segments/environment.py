"""Segments written straight to a store, to be evaluated; one by one, or an environment full."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.launchdarkly.targeting.stored import encode_targeting
from api.launchdarkly.targeting.values import parse_document
from worker.store import DefinitionChange, Edit, EnvironmentRef, ListRef, NewSegment, Segment, Store
from worker.store.segments.definitions import encode_segment

TARGET_COUNT: Final = 100
#: Every so many big segments include the context.
_INCLUDED_EVERY: Final = 10

CONTEXT: Final = {
    "kind": "user",
    "key": "user-42",
    "country": "es",
    "email": "ada@x.com",
    "age": 30,
    "since": "2025-02-03T04:05:06Z",
    "version": "1.2.2",
    "plan": {"tier": "lead"},
}


@dataclass(frozen=True, slots=True)
class Written:
    """A segment as it was last written."""

    segment: Segment

    @property
    def env(self) -> EnvironmentRef:
        return self.segment.env

    @property
    def key(self) -> str:
        return self.segment.key

    @property
    def version(self) -> int:
        return self.segment.version

    @property
    def ref(self) -> ListRef:
        return self.segment.ref

    def change(self, targeting: str | None) -> DefinitionChange:
        """A change of nothing but the targets, which need not make sense."""
        one = self.segment
        return DefinitionChange(one.name, one.description, one.tags, targeting)

    def changed(self, store: Store, **fields: Any) -> "Written":
        """Give the segment these targets and rules and no others."""
        change = self.change(_targeting(fields))
        return Written(store.segments.update(self.segment, change))


def standard_segment(store: Store, env: EnvironmentRef, key: str, **fields: Any) -> Written:
    """Create a segment with these targets and rules, which are not held against others."""
    segment = store.segments.create(env, NewSegment(key, f"Name of {key}"))
    return Written(segment).changed(store, **fields) if fields else Written(segment)


def big_segment(
    store: Store, env: EnvironmentRef, key: str, *edits: Edit, kind: str = "user"
) -> Written:
    """Create a big segment and edit its lists."""
    new = NewSegment(key, f"Name of {key}", unbounded=True, context_kind=kind)
    segment = store.segments.create(env, new)
    store.memberships.edit(segment.ref, edits)
    return Written(segment)


def rule(
    attribute: str, op: str, values: Sequence[Any], *, kind: str = "user", negate: bool = False
) -> dict[str, Any]:
    """Give a rule of one clause."""
    clause = {"attribute": attribute, "op": op, "values": values}
    return {"clauses": [clause | {"contextKind": kind, "negate": negate}]}


def evaluate_path(env: EnvironmentRef) -> str:
    """Give the path under which an environment's segments are evaluated."""
    project, environment = env.project, env.environment
    return f"/api/v2/projects/{project}/environments/{environment}/segments/evaluate"


def fill_environment(store: Store, env: EnvironmentRef, count: int) -> int:
    """Write segments past the scripts, half of them big; one by one would take seconds.

    Returns:
        How many of them include the context by their lists.
    """
    keys, included = store.keyspace, 0
    pipeline = store.client.pipeline(transaction=False)
    for number in range(count):
        key, big = f"segment-{number:04d}", number % 2 == 1
        segment = Segment(env, key, f"Segment {number}", 1, number, number, salt=f"salt-{number}")
        segment = dataclasses.replace(segment, unbounded=big, targeted=not big)
        pipeline.hset(keys.segments(env), key, encode_segment(segment))
        if not big:
            pipeline.set(keys.targeting(env, key), _targeting(_fields(number)) or "")
            continue
        store.memberships.create(segment.ref)
        if number % (2 * _INCLUDED_EVERY) == 1:
            members = (str(CONTEXT["key"]), "someone else")
            store.memberships.edit(segment.ref, [Edit("i+", one) for one in members])
            included += 1
    pipeline.hset(keys.environment_state(env), "changed", f"filled-{count}")
    pipeline.execute()
    return included


def _targeting(fields: dict[str, Any]) -> str | None:
    ids = (f"id-{number}" for number in range(1_000))
    document = parse_document({"name": "n", **fields}, lambda: next(ids))
    return encode_targeting(document)


def _fields(number: int) -> dict[str, Any]:
    """A hundred targets and three rules of two clauses: all kinds of operators."""
    clauses: list[dict[str, Any]] = [
        {"attribute": "country", "op": "in", "values": ["de", "fr", "it"]},
        {"attribute": "email", "op": "endsWith", "values": ["@example.com"], "negate": True},
        {"attribute": "email", "op": "matches", "values": ["^[a-z]+@(x|y)\\.com$"]},
        {"attribute": "age", "op": "lessThan", "values": [18]},
        {"attribute": "since", "op": "before", "values": ["2024-01-01T00:00:00Z"]},
        {"attribute": "version", "op": "semVerGreaterThan", "values": ["1.2.3"]},
        {"attribute": "/plan/tier", "op": "in", "values": ["gold"]},
        {"attribute": "", "op": "segmentMatch", "values": ["segment-0001", "segment-0003"]},
    ]
    rules = [
        {
            "clauses": [clauses[(number + at) % 8], clauses[(number * 3 + at) % 8]],
            "weight": 40_000 * at,
        }
        for at in range(3)
    ]
    targets = [f"user-{number}-{target:04d}" for target in range(TARGET_COUNT)]
    return {"included": targets[:90], "excluded": targets[90:], "rules": rules}
