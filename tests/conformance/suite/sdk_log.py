"""The log for relays: whoever follows its pages ends with what the lists have, or begins anew."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from tests.support.store.relays import LoggingWorker, Relay
from tests.support.store.stores import PRODUCTION, keys_of, new_list, raw
from worker.store import Edit, ListRef, RelayNotAdmitted, RelaysNotServed, Store, delete_environment
from worker.store.sdk_log import PAUSE_MS, RelayPages, SdkLog, Version, Walker

#: Members on a page, so that few make many pages.
_PAGE = 30
_STRANGER = "5f2ad4c9b3b1c70a8f6e0d11"


def _paged(store: Store, most_bytes: int = 1 << 26) -> Store:
    """Give the same store with small pages, and a log of this size."""
    log = SdkLog(store.database, most_bytes)
    walker = Walker(store.database, store.memberships, _PAGE)
    return replace(store, sdk_log=log, relay_pages=RelayPages(log, walker))


def _served(store: Store, *refs: ListRef) -> tuple[LoggingWorker, Relay]:
    """Give a worker that logs these lists, and a relay that has asked once."""
    relay = Relay(store, PRODUCTION)
    with pytest.raises(RelaysNotServed):
        relay.poll()
    worker = LoggingWorker(store, PRODUCTION)
    worker.follow(*refs)
    return worker, relay


def _end_pause(store: Store) -> None:
    """Let the shift be raised again now."""
    raw(store).hincrby(store.keyspace.environment_state(PRODUCTION), "relay_raised", -PAUSE_MS)


class SdkLogSuite:
    @pytest.mark.parametrize("seed", range(2))
    def test_relay__while_lists_change__has_what_they_have(self, store: Store, seed: int) -> None:
        random, store = Random(seed), _paged(store)
        lists = {new_list(store, key): (set[str](), set[str]()) for key in ("a", "b.c")}
        worker, relay = _served(store)
        worker.follow(*lists)

        def edit(ref: ListRef) -> None:
            edits = []
            for _ in range(random.randrange(1, 12)):
                side, adds, key = random.randrange(2), random.random() < 0.7, random.randrange(90)
                edits.append(f"{'ie'[side]}{'-+'[adds]}k{key}")
                sets = lists[ref][side]
                (sets.add if adds else sets.discard)(f"k{key}")
            worker.edit(ref, *edits)

        def publish(ref: ListRef) -> None:
            after = {f"k{random.randrange(150)}" for _ in range(random.randrange(100))}
            before, excluded = lists[ref]
            worker.replace(ref, f"i{random.random()}", before, after)
            lists[ref] = (after, excluded)

        def create(_: ListRef) -> None:
            ref = new_list(store, f"n{len(lists)}")
            lists[ref] = ({f"k{number}" for number in range(random.randrange(80))}, {"x"})
            worker.edit(ref, *(f"i+{key}" for key in lists[ref][0]), "e+x")
            worker.follow(ref)

        def lose_an_answer(_: ListRef) -> None:
            before = relay.version
            relay.poll(1)
            relay.version = before

        steps: list[Callable[[ListRef], object]] = [edit, publish, create, lose_an_answer]
        for _ in range(24):
            random.choices(steps, [6, 2, 1, 2])[0](random.choice(list(lists)))
            relay.poll(random.randrange(3))
        relay.poll()
        for ref, (included, excluded) in lists.items():
            relay.assert_has(ref.name, included, excluded)
        assert relay.poll() == 0

    def test_relay__lists_of_many_pages__is_sent_each_member_once(self, store: Store) -> None:
        store = _paged(store)
        refs = [new_list(store, key) for key in ("a", "b", "c")]
        worker, relay = _served(store)
        keys = [f"k{number}" for number in range(100)]
        for ref in refs[:2]:
            worker.edit(ref, *(f"i+{key}" for key in keys), "e+x")
        worker.follow(*refs)
        assert relay.poll() >= 2 * len(keys) // _PAGE
        for ref, included in zip(refs, (keys, keys, ()), strict=True):
            relay.assert_has(ref.name, included, "x" if included else "")
        assert relay.added == 2 * len(keys) + 2

    def test_relay__its_revision_is_freed__goes_on_with_the_live_one(self, store: Store) -> None:
        store, ref = _paged(store), new_list(store)
        worker, relay = _served(store)
        before, after = ({f"{kind}{number}" for number in range(80)} for kind in "ab")
        worker.edit(ref, *(f"i+{key}" for key in before))
        worker.follow(ref)
        old = store.memberships.state(ref).live
        relay.poll(1)
        worker.replace(ref, "i1", before, after)
        for number in range(old.shard_count("included")):
            raw(store).unlink(store.keyspace.shard(ref, old.name, "included", number))
        relay.poll()
        relay.assert_has(ref.name, after)

    def test_relay__deleted_list_in_between__is_sent_the_others(self, store: Store) -> None:
        store = _paged(store)
        one, other = new_list(store, "a"), new_list(store, "b")
        worker, relay = _served(store)
        for ref in (one, other):
            worker.edit(ref, *(f"i+k{number}" for number in range(50)))
        worker.follow(one, other)
        relay.poll(1)
        store.segments.remove(store.segments.get(PRODUCTION, "a"))
        relay.poll()
        relay.assert_has(other.name, (f"k{number}" for number in range(50)))

    def test_keep__list_that_has_members__is_sent_whole_to_those_who_have_the_rest(
        self, store: Store
    ) -> None:
        store = _paged(store)
        worker, relay = _served(store)
        relay.poll()
        ref = new_list(store)
        worker.edit(ref, *(f"i+k{number}" for number in range(80)), "e+x")
        worker.follow(ref)
        worker.edit(ref, "i-k0")
        relay.poll()
        relay.assert_has(ref.name, (f"k{number}" for number in range(1, 80)), "x")

    def test_append__by_another_worker_or_of_another_list__does_nothing(self, store: Store) -> None:
        ref = new_list(store)
        worker, relay = _served(store, ref)
        relay.poll()
        version = relay.version
        late = replace(ref, generation=2)
        worker.log(late, "i+x")
        store.sdk_log.restart(PRODUCTION, worker.token, late.name)
        worker.token = "another"
        worker.log(ref, "i+x")
        worker.refs.clear()
        worker.keep()
        store.sdk_log.restart(PRODUCTION, "another")
        relay.poll()
        assert relay.version == version
        assert store.sdk_log.refs(PRODUCTION) == [ref.name]

    def test_append__nobody_has_asked__keeps_nothing(self, store: Store) -> None:
        worker = LoggingWorker(store, PRODUCTION)
        worker.follow(new_list(store))
        worker.log(worker.refs["s.g1"], "i+x")
        assert not [key for key in keys_of(store) if "sdk-log" in key]

    def test_log__asked_for__ends_by_itself_and_with_its_environment(self, store: Store) -> None:
        worker, relay = _served(store, new_list(store))
        worker.log(worker.refs["s.g1"], "i+x")
        relay.poll()
        relay.version = _STRANGER
        relay.poll()
        keys = [key for key in keys_of(store) if "sdk-log" in key]
        assert len(keys) == 4
        assert all(0 < raw(store).pttl(key) <= 7 * 86_400_000 for key in keys)
        delete_environment(store, PRODUCTION)
        assert not [key for key in keys_of(store) if "sdk-log" in key]

    def test_relay__missed_what_was_dropped__begins_under_other_references(
        self, store: Store
    ) -> None:
        store, ref = _paged(store, most_bytes=3_000), new_list(store)
        worker, relay = _served(store, ref)
        worker.edit(ref, "i+gone")
        relay.poll()
        before, shift = relay.version, store.sdk_log.relay_shift(PRODUCTION)
        worker.edit(ref, "i-gone")
        for number in range(30):
            worker.edit(ref, f"i+k{number}")
        other = Relay(store, PRODUCTION)
        other.poll()
        relay.poll()
        assert store.sdk_log.relay_shift(PRODUCTION) > shift
        relay.assert_has(ref.name, [f"k{number}" for number in range(30)])
        assert raw(store).xlen(store.keyspace.sdk_log(PRODUCTION, "entries")) < 15
        # The other one has nothing of the new references either, and may begin at once.
        other.poll()
        other.assert_has(ref.name, [f"k{number}" for number in range(30)])
        relay.version = before
        relay.poll()

    def test_append__bound_of_one_entry__knows_the_one_before_it(self, store: Store) -> None:
        store, ref = _paged(store, most_bytes=300), new_list(store)
        worker, relay = _served(store, ref)
        relay.poll()
        points = []
        for key in ("i+k", "i-k", "i+k"):
            worker.edit(ref, key)
            points.append(store.sdk_log.read(PRODUCTION).head)
        states = [store.sdk_log.read(PRODUCTION, point) for point in points]
        assert [state.is_known for state in states] == [False, True, True]
        assert [[entry.at for entry in state.entries] for state in states] == [[], points[2:], []]

    def test_relay__version_of_another_entry_of_this_number__is_not_known(
        self, store: Store
    ) -> None:
        ref = new_list(store)
        worker, relay = _served(store, ref)
        relay.poll()
        for number in range(4):
            worker.edit(ref, f"i+k{number}")
        relay.poll(1)
        known = Version.parse(relay.version)
        assert known is not None
        worker.edit(ref, "i+more")
        for number in (known.at.number, known.at.number - 1, 1_000):
            at = replace(known.at, number=number, tag="00000000")
            assert not store.sdk_log.read(PRODUCTION, at).is_known
        assert not store.sdk_log.read(PRODUCTION, replace(known.at, epoch="0" * 8)).is_known
        assert store.sdk_log.read(PRODUCTION, known.at).is_known

    def test_admit__many_strangers__wait_for_one_raise_together(self, store: Store) -> None:
        ref = new_list(store)
        worker, relay = _served(store, ref)
        worker.edit(ref, "i+k")
        changed = raw(store).hget(store.keyspace.environment_state(PRODUCTION), "changed")
        relay.version = _STRANGER
        relay.poll()
        relay.assert_has(ref.name, ["k"])
        first = store.sdk_log.relay_shift(PRODUCTION)
        assert first > 3_000_000
        assert raw(store).hget(store.keyspace.environment_state(PRODUCTION), "changed") != changed
        # Its answer was lost: it begins again at once.
        relay.version = _STRANGER
        relay.poll()
        others = [Relay(store, PRODUCTION, version=f"{_STRANGER}{number}") for number in range(3)]
        for other in others:
            with pytest.raises(RelayNotAdmitted):
                other.poll()
        _end_pause(store)
        for other in others:
            other.poll()
            other.assert_has(ref.name, ["k"])
        assert store.sdk_log.relay_shift(PRODUCTION) == first + 1
        relay.poll()
        relay.assert_has(ref.name, ["k"])

    def test_admit__strangers_without_end__remembers_a_bounded_number(self, store: Store) -> None:
        for number in range(80):
            store.sdk_log.admit(PRODUCTION, f"stranger-{number}", 0)
        assert raw(store).hlen(store.keyspace.sdk_log(PRODUCTION, "strangers")) == 64

    def test_restart__log_that_lacks_changes__makes_relays_begin_anew(self, store: Store) -> None:
        ref = new_list(store)
        worker, relay = _served(store, ref)
        worker.edit(ref, "i+gone", "i+k")
        relay.poll()
        worker.store.memberships.edit(ref, [Edit("i-", "gone")])
        store.sdk_log.restart(PRODUCTION, worker.token, ref.name)
        with pytest.raises(RelaysNotServed):
            relay.poll()
        worker.keep()
        relay.poll()
        relay.assert_has(ref.name, ["k"])
