"""Compositions do to their lists what set operations do to sets, as of the moment of the pins."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from tests.property.worker.store.lists.list_model import changed_by
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store.building import assert_list, build, publish
from tests.support.store.stores import keys_of, token
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports.composing.source_lists import read_source
from worker.store import Edit, ImportRequest, JobState, ListRef, SnapshotLost, Store
from worker.store.jobs import Composition, Mode, Operation
from worker.store.keyspace import INCLUDED, Side
from worker.store.lists import bits_for
from worker.store.workflows import pin_sources, remove_segment
from worker.tasks.work import work_on

UNIVERSE: Final = [f"user-{number}" for number in range(2_000)]
OPERATIONS: Final[tuple[Operation, ...]] = ("union", "intersect", "except")


@pytest.fixture(scope="module", params=["one range", "several ranges"])
def imports(
    request: pytest.FixtureRequest, valkey_server: Server, s3_stand_in: ObjectServer
) -> Iterator[Imports]:
    """Without the guard against removing most of a list."""
    size = {"one range": 24 << 20, "several ranges": 24 * 350}[request.param]
    with imports_in_process(
        valkey_server, s3_stand_in, range_bytes=size, shrink_share=1
    ) as running:
        yield running


def _list_of(imports: Imports, keys: Sequence[str]) -> ListRef:
    """A new list of these keys, written as an import writes it."""
    ref, store = imports.list_of(), imports.services.store
    if keys:
        import_id = token()
        target = build(store, ref, import_id, keys, bits=bits_for(len(keys)))
        publish(store, ref, import_id, target)
    return ref


def _start(
    imports: Imports,
    ref: ListRef,
    op: Operation,
    sources: Sequence[ListRef],
    mode: Mode = "replace",
    side: Side = INCLUDED,
    **options: Any,
) -> ImportRequest:
    import_id = token()
    pinned = pin_sources(imports.services.store, import_id, sources, side)
    return imports.start_from(
        ref,
        (),
        mode,
        import_id=import_id,
        composition=Composition(op, pinned),
        **{"allow_empty": True, **options},
    )


def _compose(imports: Imports, *args: Any, **options: Any) -> JobState:
    return imports.finish(_start(imports, *args, **options))


@pytest.fixture
def store(imports: Imports) -> Store:
    return imports.services.store


def _composed(op: Operation, sets: Sequence[frozenset[str]]) -> frozenset[str]:
    first, *others = sets
    match op:
        case "union":
            return first.union(*others)
        case "intersect":
            return first.intersection(*others)
        case "except":
            return first.difference(*others)


def test_compose__any_operation_mode_and_sizes__does_what_it_does_to_sets(
    imports: Imports,
) -> None:
    rng, store = random.Random(14), imports.services.store
    modes: tuple[Mode, ...] = ("replace", "merge", "remove")
    for step in range(12):
        sets = [
            frozenset(rng.sample(UNIVERSE, rng.choice((0, 5, 450, 1_750))))
            for _ in range(rng.choice((1, 2, 2, 3)))
        ]
        before = frozenset(rng.sample(UNIVERSE, rng.choice((0, 40, 1_250))))
        op, mode = OPERATIONS[step % 3], modes[step // 3 % 3]
        ref = _list_of(imports, sorted(before))
        sources = [_list_of(imports, sorted(keys)) for keys in sets]
        state = _compose(imports, ref, op, sources, mode)
        assert state.status == "complete", state.reason
        result = _composed(op, sets)
        after = changed_by(result, mode, before)
        assert_list(store, ref, after)
        report = state.report or {}
        expected = {
            "rowsRead": sum(map(len, sets)),
            "accepted": len(result),
            "rejected": 0,
            "membersBefore": len(before),
            "added": len(after - before),
            "removed": len(before - after),
            "membersAfter": len(after),
        }
        assert {name: report[name] for name in expected} == expected
        assert report["rowsRead"] == sum(
            report[name] for name in ("accepted", "duplicates", "rejected", "leftOut")
        )


def _edit(store: Store, ref: ListRef, rng: random.Random) -> None:
    edits = [
        Edit(rng.choice(("i+", "i-")), key)
        for key in (*rng.sample(UNIVERSE, 60), *(f"new-{number}" for number in range(20)))
    ]
    store.memberships.edit(ref, edits)


def test_compose__sources_are_edited_all_the_time__are_read_as_when_they_were_pinned(
    imports: Imports, store: Store
) -> None:
    rng = random.Random(15)
    sets = [
        frozenset(rng.sample(UNIVERSE, 1_250)),
        frozenset(rng.sample(UNIVERSE, 400)),
        frozenset[str](),
    ]
    sources = [_list_of(imports, sorted(keys)) for keys in sets]
    for op in OPERATIONS:
        before = [frozenset(imports.members(ref)) for ref in sources]
        ref = _list_of(imports, UNIVERSE[:10])
        request = _start(imports, ref, op, sources)
        ended = False
        while not ended:
            for source in sources:
                _edit(store, source, rng)
            work_on(imports.services, request.ref)
            ended = store.jobs.get(request.ref).ended_ms is not None
        assert store.jobs.get(request.ref).status == "complete"
        assert_list(store, ref, _composed(op, before))
        assert not any("changes" in key for key in keys_of(store)), "pins outlive their job"


def test_compose__source_is_replaced_meanwhile__is_read_as_it_was(
    imports: Imports, store: Store
) -> None:
    source, ref = _list_of(imports, UNIVERSE[:300]), _list_of(imports, [])
    request = _start(imports, ref, "union", [source])
    target = build(store, source, "next", UNIVERSE[300:])
    publish(store, source, "next", target)
    store.memberships.edit(source, [Edit("i-", UNIVERSE[301])])
    assert imports.finish(request).status == "complete"
    assert_list(store, ref, UNIVERSE[:300])


def test_compose__source_is_deleted_meanwhile__stops_and_says_which(
    imports: Imports, store: Store
) -> None:
    source, ref = _list_of(imports, UNIVERSE[:300]), _list_of(imports, UNIVERSE[:3])
    request = _start(imports, ref, "union", [source])
    remove_segment(store, source.env, source.segment)
    assert request.composition is not None
    (pinned,) = request.composition.sources
    with pytest.raises(SnapshotLost, match="was deleted meanwhile"):  # as in the middle of a range
        read_source(store, pinned, 0, 1 << 64)
    state = imports.finish(request)
    assert state.status == "stopped"
    assert state.reason == (f"segment {source.segment}, of which it is made, was deleted meanwhile")
    assert_list(store, ref, UNIVERSE[:3])


def test_compose__target_is_a_source_and_is_edited__its_edits_win(
    imports: Imports, store: Store
) -> None:
    ref, other = _list_of(imports, UNIVERSE[:100]), _list_of(imports, UNIVERSE[50:100])
    request = _start(imports, ref, "except", [ref, other], "remove")
    store.memberships.edit(ref, [Edit("i+", UNIVERSE[0]), Edit("i-", UNIVERSE[99])])
    assert imports.finish(request).status == "complete"
    assert_list(store, ref, [UNIVERSE[0], *UNIVERSE[50:99]])
