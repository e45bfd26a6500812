"""An environment of many segments to be evaluated, and a context that is in some of them."""

from typing import Any, Final

from api.launchdarkly.targeting import segment_document
from worker.store import ListRef, Scope, Segment, Store
from worker.store.definitions import encode
from worker.store.memberships import Edit

TARGET_COUNT: Final = 100
#: Every so many big segments include the context.
INCLUDED_EVERY: Final = 10

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


def fill_environment(store: Store, scope: Scope, count: int) -> int:
    """Write segments past the scripts, half of them big; one by one would take seconds.

    Returns:
        How many of them include the context by their lists.
    """
    keys, included = store.keyspace, 0
    pipeline = store.client.pipeline(transaction=False)
    for number in range(count):
        big, key = number % 2 == 1, f"segment-{number:04d}"
        segment = Segment(
            scope, key, f"Segment {number}", 1, number, number, unbounded=big, salt=f"salt-{number}"
        )
        pipeline.hset(keys.segments(scope), key, encode(segment))
        if not big:
            pipeline.set(keys.targeting(scope, key), _targeting(number))
            continue
        store.memberships.create(segment.ref)
        if number % (2 * INCLUDED_EVERY) == 1:
            store.memberships.edit(segment.ref, _members(segment.ref))
            included += 1
    pipeline.hset(keys.environment_state(scope), "changed", f"filled-{count}")
    pipeline.execute()
    return included


def _members(ref: ListRef) -> list[Edit]:
    return [Edit("i+", str(CONTEXT["key"])), Edit("i+", ref.segment)]


def _targeting(number: int) -> str:
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
            "_id": f"rule-{at}",
            "clauses": [
                clauses[(number + at) % 8] | {"_id": "a"},
                clauses[(number * 3 + at) % 8] | {"_id": "b"},
            ],
            "weight": 40_000 * at,
        }
        for at in range(3)
    ]
    targets = [f"user-{number}-{target:04d}-0123456789" for target in range(TARGET_COUNT)]
    fields = {
        "name": "n",
        "included": targets[:90],
        "excluded": targets[90:],
        "rules": rules,
    }
    return segment_document(fields, str).targeting.encoded()
