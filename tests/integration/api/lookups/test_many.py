"""Many lists asked at once are answered as one by one; a list in trouble is alone in it."""

from collections.abc import Iterator, Mapping

import pytest

from api.lookups.list_lookups import Answer, ListLookups
from tests.support.servers.redis import Cluster, Server, running_server
from tests.support.store.building import replace
from tests.support.store.stores import PRODUCTION, new_list, opened
from tests.support.systems.lookups import LookupThread, beside, running_lookups
from worker.store import (
    Edit,
    ListRef,
    ListUnknown,
    Membership,
    NewSegment,
    Store,
    StoreUnavailable,
)

IN, OUT, NO = (
    Membership(included=True, excluded=False),
    Membership(included=False, excluded=True),
    Membership(included=False, excluded=False),
)


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


@pytest.fixture
def lookups(valkey_server: Server, store: Store) -> Iterator[LookupThread]:
    with running_lookups(valkey_server.url, store) as lookups:
        yield lookups


def _ask(
    lookups: LookupThread, store: Store, asked: Mapping[ListRef, str]
) -> dict[ListRef, Answer]:
    return lookups.run(ListLookups(lookups.lookups, lambda: store).look_up(asked))


def _lists(store: Store, count: int) -> list[ListRef]:
    refs = [new_list(store, f"s{number}") for number in range(count)]
    for number, ref in enumerate(refs):
        store.memberships.edit(ref, [Edit("i+", f"in-{number}"), Edit("e+", "out")])
    return refs


def test_list_lookups__many_lists__are_learnt_once_and_asked_in_one_pipeline(
    store: Store, lookups: LookupThread
) -> None:
    refs = _lists(store, 40)
    asked = {ref: f"in-{number % 20}" for number, ref in enumerate(refs)}
    expected = {ref: IN if number < 20 else NO for number, ref in enumerate(refs)}

    assert _ask(lookups, store, asked) == expected
    assert _ask(lookups, store, asked) == expected
    assert _ask(lookups, store, dict.fromkeys(refs, "out")) == dict.fromkeys(refs, OUT)

    assert (lookups.lookups.counts.pipelines, lookups.lookups.counts.asked_again) == (3, 0)
    assert lookups.look_up("in-7", (PRODUCTION.project, PRODUCTION.environment, "s7")) == IN, (
        "single look-ups share what is known"
    )
    assert lookups.lookups.counts.pipelines == 4


def test_list_lookups__more_lists_than_are_remembered__are_answered(
    valkey_server: Server, store: Store
) -> None:
    refs = _lists(store, 12)
    with running_lookups(valkey_server.url, store, segment_limit=5) as lookups:
        for _ in range(2):
            assert _ask(lookups, store, dict.fromkeys(refs, "out")) == dict.fromkeys(refs, OUT)


def test_list_lookups__none__asks_nothing(store: Store, lookups: LookupThread) -> None:
    assert _ask(lookups, store, {}) == {}
    assert lookups.lookups.counts.pipelines == 0


def test_list_lookups__revisions_changed__only_those_are_asked_again(
    store: Store, lookups: LookupThread
) -> None:
    refs = _lists(store, 6)
    asked = dict.fromkeys(refs, "new")
    assert _ask(lookups, store, asked) == dict.fromkeys(refs, NO)
    for ref in refs[:2]:
        replace(store, ref, "i1", ["new"], bits=5)

    assert [*_ask(lookups, store, asked).values()] == [IN, IN, NO, NO, NO, NO]

    assert lookups.lookups.counts.asked_again == 2
    assert lookups.lookups.counts.pipelines == 3


def test_list_lookups__lost_and_deleted_lists__are_unknown_and_no_others(
    store: Store, lookups: LookupThread
) -> None:
    refs = _lists(store, 5)
    asked = dict.fromkeys(refs, "out")
    for learnt in (False, True):
        if learnt:
            assert _ask(lookups, store, asked)[refs[4]] == OUT
        store.memberships.delete(refs[0])
        store.client.unlink(store.keyspace.list_record(refs[1]))
        live = store.memberships.state(refs[2]).live
        for index in range(1 << live.excluded_bits):
            store.client.unlink(store.keyspace.shard(refs[2], live.name, "excluded", index))

        answers = _ask(lookups, store, asked)

        assert [type(answers[ref]) for ref in refs[:3]] == [ListUnknown] * 3
        assert [answers[ref] for ref in refs[3:]] == [OUT, OUT]
        assert not any("out" in str(answers[ref]) for ref in refs[:3])


def test_list_lookups__made_anew_under_its_key__each_generation_answers_for_itself(
    store: Store, lookups: LookupThread
) -> None:
    first = _lists(store, 1)[0]
    assert _ask(lookups, store, {first: "in-0"}) == {first: IN}
    store.segments.delete(PRODUCTION, "s0")
    second = store.segments.create(PRODUCTION, NewSegment("s0", "s0", unbounded=True)).ref

    answers = _ask(lookups, store, {first: "in-0", second: "in-0"})

    assert isinstance(answers[first], ListUnknown)
    assert answers[second] == NO


def test_list_lookups__polled_through_flips__never_show_a_mixture(
    store: Store, lookups: LookupThread
) -> None:
    refs = [new_list(store, f"s{number}") for number in range(8)]
    for ref in refs:
        replace(store, ref, "first", ["always"])

    def flip(number: int) -> None:
        ours = ["always", *(f"other-{number}-{n}" for n in range(100))]
        replace(store, refs[number % 8], f"flip-{number}", ours, bits=4 + number % 3)

    with beside(flip):
        seen: list[Answer] = []
        for _ in range(120):
            seen += _ask(lookups, store, dict.fromkeys(refs, "always")).values()
            seen_not = _ask(lookups, store, dict.fromkeys(refs, "never")).values()
            assert {NO} >= {one for one in seen_not if isinstance(one, Membership)}
    assert {one for one in seen if isinstance(one, Membership)} == {IN}
    assert lookups.lookups.counts.asked_again > 0
    # Two flips while one list is asked twice: it may not be told, but that is rare.
    assert seen.count(IN) > len(seen) * 0.9


def test_list_lookups__store_gone__is_unavailable_and_nothing_is_guessed() -> None:
    with running_server("valkey") as server, opened(server) as store:
        refs = _lists(store, 3)
        with running_lookups(server.url, store) as lookups:
            _ask(lookups, store, dict.fromkeys(refs[:2], "out"))
            server.stop()
            for asked in (refs, refs[:2], refs[2:]):
                with pytest.raises(StoreUnavailable):
                    _ask(lookups, store, dict.fromkeys(asked, "out"))
            server.start()


def test_list_lookups__cluster__asks_each_node_once(
    cluster_servers: Cluster,
) -> None:
    with opened(cluster_servers) as store, running_lookups(cluster_servers.url, store) as lookups:
        refs = _lists(store, 24)
        asked = {ref: f"in-{number}" for number, ref in enumerate(refs)}

        assert _ask(lookups, store, asked) == dict.fromkeys(refs, IN)
        assert lookups.lookups.counts.pipelines == 3, "the lists are on three nodes"
