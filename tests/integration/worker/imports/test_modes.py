"""Every mode changes its list as it would change a plain set, and says by how much."""

import random
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.property.worker.store.lists.list_model import Lists, applied, changed_by
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.store.building import assert_list
from tests.support.systems.imports import Imports, imports_in_process
from worker.store import Edit, JobState, ListRef, approve_import
from worker.store.jobs import Mode
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import bits_for
from worker.tasks.work import work_on

UNIVERSE: Final = [f"user-{number}" for number in range(8_000)]


@pytest.fixture(scope="module", params=["one chunk", "several chunks"])
def imports(
    request: pytest.FixtureRequest, valkey_server: Server, s3_stand_in: ObjectServer
) -> Iterator[Imports]:
    """Without the guard against removing most of a list; several chunks are several ranges, too."""
    size = {"one chunk": 1 << 20, "several chunks": 16_384}[request.param]
    with imports_in_process(
        valkey_server, s3_stand_in, chunk_bytes=size, range_bytes=16_384, shrink_share=1
    ) as running:
        yield running


def _file(keys: Any) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


def _run(imports: Imports, ref: ListRef, keys: Any, mode: Mode, side: Side) -> JobState:
    return imports.run(ref, _file(keys), mode, side=side, allow_empty=True)


def _changes(lists: Lists, edited: Lists, keys: frozenset[str], mode: Mode, side: Side) -> Any:
    """What a report must say of the members."""
    before, after = lists[side], changed_by(keys, mode, lists[side])
    return {
        "accepted": len(keys),
        "membersBefore": len(before),
        "added": len(after - before),
        "removed": len(before - after),
        "unchanged": 0 if mode == "remove" else len(before & keys),
        "unmatched": len(keys - before) if mode == "remove" else None,
        "membersAfter": len(edited[side]),
    }


def test_import__any_mode_and_list__does_what_it_does_to_a_set(imports: Imports) -> None:
    ref, rng = imports.list_of(), random.Random(13)
    lists: Lists = {INCLUDED: frozenset(), EXCLUDED: frozenset()}
    modes: tuple[Mode, ...] = ("merge", "merge", "remove", "replace", "remove", "remove")
    for step in range(18):
        mode = modes[step % len(modes)]
        side = rng.choice((INCLUDED, INCLUDED, EXCLUDED))
        keys = frozenset(rng.sample(UNIVERSE, rng.choice((3, 300, 7_000))))
        state = _run(imports, ref, [*keys, *sorted(keys)[:3]], mode, side)
        assert state.status == "complete", state.reason
        changed = {**lists, side: changed_by(keys, mode, lists[side])}
        report = state.report or {}
        expected = _changes(lists, changed, keys, mode, side)
        assert {name: report.get(name) for name in expected} == expected
        assert (report["duplicates"], report["rejected"]) == (3, 0)
        lists = changed
        assert_list(imports.services.store, ref, lists[INCLUDED], lists[EXCLUDED])


@pytest.mark.parametrize("mode", ["merge", "replace", "remove"])
@pytest.mark.parametrize("side", [INCLUDED, EXCLUDED])
def test_edits__during_an_import__win_over_its_file_in_both_lists(
    imports: Imports, mode: Mode, side: Side
) -> None:
    ref, store = imports.list_of(), imports.services.store
    old, keys = UNIVERSE[:600], frozenset(UNIVERSE[300:900])
    for other in (INCLUDED, EXCLUDED):
        _run(imports, ref, old, "merge", other)
    lists: Lists = {INCLUDED: frozenset(old), EXCLUDED: frozenset(old)}
    request = imports.start(ref, _file(keys), mode, side=side)
    edits = [
        *(Edit("i+", key) for key in (UNIVERSE[400], UNIVERSE[1_000])),
        *(Edit("e+", key) for key in (UNIVERSE[401], UNIVERSE[1_001])),
        *(Edit("i-", key) for key in (UNIVERSE[0], UNIVERSE[500])),
        *(Edit("e-", key) for key in (UNIVERSE[1], UNIVERSE[501], UNIVERSE[800])),
    ]
    store.memberships.edit(ref, edits)
    state = imports.finish(request)
    assert state.status == "complete", state.reason
    after = applied({**lists, side: changed_by(keys, mode, lists[side])}, edits)
    assert_list(store, ref, after[INCLUDED], after[EXCLUDED])
    report = state.report or {}
    changed = report["added"] - report["removed"] + report["editedWhileImporting"]
    assert report["membersBefore"] + changed == report["membersAfter"] == len(after[side])


@pytest.mark.parametrize("side", [INCLUDED, EXCLUDED])
def test_remove__most_of_a_list__leaves_as_few_shards_as_it_needs(
    imports: Imports, side: Side
) -> None:
    ref, store = imports.list_of(), imports.services.store
    _run(imports, ref, UNIVERSE, "merge", side)
    assert store.memberships.state(ref).live.bits(side) == bits_for(len(UNIVERSE))

    _run(imports, ref, [f"stranger-{number}" for number in range(8_000)], "remove", side)
    assert store.memberships.state(ref).live.bits(side) == bits_for(len(UNIVERSE))

    _run(imports, ref, UNIVERSE[:-500], "remove", side)
    assert store.memberships.state(ref).live.bits(side) == bits_for(500)
    left: Lists = {INCLUDED: frozenset(), EXCLUDED: frozenset(), side: frozenset(UNIVERSE[-500:])}
    assert_list(store, ref, left[INCLUDED], left[EXCLUDED])


def test_remove__from_a_list_without_members__removes_nothing(imports: Imports) -> None:
    report = _run(imports, imports.list_of(), ["a", "b"], "remove", INCLUDED).report or {}
    assert (report["removed"], report["unmatched"], report["membersAfter"]) == (0, 2, 0)


def test_remove__that_waits_for_an_approval__shows_what_it_would_leave(imports: Imports) -> None:
    ref, store = imports.list_of("a"), imports.services.store
    _run(imports, ref, ["a", "b", "c"], "merge", EXCLUDED)
    request = imports.start(ref, _file(["b", "x"]), "remove", side=EXCLUDED, waits=True)
    store.memberships.edit(ref, [Edit("e+", "d"), Edit("i-", "a")])

    def waits() -> bool:
        work_on(imports.services, request.ref)
        return store.jobs.get(request.ref).status == "pending_approval"

    wait_until(waits, "it waits for its approval", 60)
    report = store.jobs.get(request.ref).report or {}
    assert [report[name] for name in ("removed", "unmatched", "membersAfter")] == [1, 1, 3]
    approve_import(store, ref, request.import_id)
    assert (imports.finish(request).report or {})["membersAfter"] == 3
    assert_list(store, ref, [], ["a", "c", "d"])
