"""Many keys of several lists: each answer of a list is of one revision, or there is none."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest

from api.lookups.bulk_lookups import BulkLookups, ListAnswers
from tests.support.servers.redis import Cluster, Server, running_server
from tests.support.store.building import replace
from tests.support.store.stores import new_list, opened
from tests.support.systems.lookups import LookupThread, beside, running_lookups
from worker.store import (
    IN_EXCLUDED,
    IN_INCLUDED,
    AskedMembers,
    Edit,
    ListRef,
    Membership,
    Store,
    StoreUnavailable,
)

#: For which both states of a list that changes all the time are looked for.
_LONGEST_S = 30.0


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


@pytest.fixture
def lookups(valkey_server: Server, store: Store) -> Iterator[LookupThread]:
    with running_lookups(valkey_server.url, store) as lookups:
        yield lookups


def _bulk(lookups: LookupThread, store: Store, at_once: int = 4) -> BulkLookups:
    return BulkLookups(lookups.lookups, store.keyspace, at_once=at_once, clock=lambda: 1)


def _ask(
    lookups: LookupThread, store: Store, refs: Sequence[ListRef], keys: Sequence[str]
) -> list[ListAnswers]:
    asked = AskedMembers.of(pa.array(keys, pa.string()))
    addresses = [(ref.project, ref.environment, ref.segment) for ref in refs]
    return lookups.run(_bulk(lookups, store).look_up(addresses, asked))


def test_bulk_lookups__asked_through_flips__answer_of_one_revision(
    store: Store, lookups: LookupThread
) -> None:
    refs = [new_list(store, f"s{number}") for number in range(2)]
    keys = [f"key-{number}" for number in range(3_000)]
    for ref in refs:
        replace(store, ref, "first", keys)

    def flip(number: int) -> None:
        ours = keys if number % 2 else ["other"]
        replace(store, refs[number % 4 // 2], f"flip-{number}", ours, bits=4 + number % 3)

    seen: set[frozenset[int]] = set()
    asked, deadline = 0, time.monotonic() + _LONGEST_S
    with beside(flip):
        while (asked < 40 or len(seen) < 2) and time.monotonic() < deadline:
            asked += 1
            try:
                found = _ask(lookups, store, refs, keys)
            except StoreUnavailable:
                continue  # it has changed under every try
            seen |= {frozenset(answers.codes.tolist()) for answers in found}

    assert seen == {frozenset({IN_INCLUDED}), frozenset({0})}
    assert lookups.lookups.counts.asked_again > 0


def test_bulk_lookups__edited_between_its_lists__show_each_key_in_one_of_them(
    store: Store, lookups: LookupThread
) -> None:
    ref = new_list(store, "moving")
    keys = [f"key-{number}" for number in range(600)]
    store.memberships.edit(ref, [Edit("e+", key) for key in keys])

    def move(number: int) -> None:
        there, back = ("i", "e") if number % 2 else ("e", "i")
        some = keys[number % 7 :: 7]
        edits = [edit for key in some for edit in (Edit(f"{there}+", key), Edit(f"{back}-", key))]  # type: ignore[arg-type]
        store.memberships.edit(ref, edits, ops_per_step=1_000)

    with beside(move):
        for _ in range(30):
            (answers,) = _ask(lookups, store, [ref], keys)
            assert set(answers.codes.tolist()) <= {IN_INCLUDED, IN_EXCLUDED}


def test_bulk_lookups__more_calls_than_places__are_unavailable_until_one_is_free(
    store: Store, lookups: LookupThread
) -> None:
    bulk = _bulk(lookups, store, at_once=1)

    async def overfill() -> None:
        async with bulk.place():
            with pytest.raises(StoreUnavailable, match="too many"):
                async with bulk.place():
                    pass
        async with bulk.place():
            pass

    lookups.run(overfill())


def test_bulk_lookups__beside_a_look_up_of_one_key__let_it_go_first(
    store: Store, lookups: LookupThread
) -> None:
    ref = new_list(store, "large")
    keys = [f"key-{number}" for number in range(50_000)]
    replace(store, ref, "all", keys[::2], bits=10)
    address = (ref.project, ref.environment, ref.segment)
    asked = AskedMembers.of(pa.array(keys, pa.string()))
    bulk = _bulk(lookups, store)

    async def ask_beside() -> tuple[int, Membership]:
        call = asyncio.create_task(bulk.look_up([address], asked))
        single = None
        answered = 0
        while not call.done():
            single = await lookups.lookups.look_up(address, keys[0])
            answered += 1
        (answers,) = await call
        assert answers.codes.sum() == len(keys) // 2
        assert single is not None
        return answered, single

    answered, single = lookups.run(ask_beside())

    assert single == Membership(included=True, excluded=False)
    # A call of a hundred steps; a look-up waits for a few of them.
    assert answered >= 20


def test_bulk_lookups__store_gone__is_unavailable_and_nothing_is_guessed() -> None:
    with running_server("valkey") as server, opened(server) as store:
        refs = [new_list(store, f"s{number}") for number in range(2)]
        for ref in refs:
            store.memberships.edit(ref, [Edit("i+", "in")])
        with running_lookups(server.url, store) as lookups:
            before = _ask(lookups, store, refs, ["in", "out"])
            server.stop()
            with pytest.raises(StoreUnavailable):
                _ask(lookups, store, refs, ["in", "out"])
            server.start()
        assert [answers.codes.tolist() for answers in before] == [[IN_INCLUDED, 0]] * 2


def test_bulk_lookups__cluster__ask_every_node_and_fail_whole_without_one(
    cluster_servers: Cluster,
) -> None:
    with opened(cluster_servers) as store, running_lookups(cluster_servers.url, store) as lookups:
        refs = [new_list(store, f"s{number}") for number in range(24)]
        for number, ref in enumerate(refs):
            store.memberships.edit(ref, [Edit("i+", f"in-{number}"), Edit("e+", "out")])
        keys = [f"in-{number}" for number in range(24)] + ["out"]

        found = _ask(lookups, store, refs, keys)

        for number, answers in enumerate(found):
            expected = [IN_INCLUDED if place == number else 0 for place in range(24)]
            assert answers.codes.tolist() == [*expected, IN_EXCLUDED]
        assert lookups.lookups.counts.pipelines < 24, "lists of a node share a pipeline"
