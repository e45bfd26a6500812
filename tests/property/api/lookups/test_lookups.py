"""The coalesced look-ups are right after every step, and for readers beside it."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.api.lookups.lookup_machine import KEY, PRODUCTION, LookupMachine
from tests.support.servers.redis import Server
from tests.support.store.building import replace
from tests.support.store.stores import opened
from tests.support.systems.lookups import LookupThread, beside, running_lookups
from worker.store import Edit, NewSegment, Store, StoreUnavailable


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        store.environments.initialise()
        yield store


@pytest.fixture
def lookups(valkey_server: Server, store: Store) -> Iterator[LookupThread]:
    # A busy machine is no outage.
    with running_lookups(valkey_server.url, store, timeout_s=20) as lookups:
        yield lookups


def test_lookups__any_order_of_steps__agree_with_plain_sets(
    store: Store, lookups: LookupThread
) -> None:
    bound = type("BoundMachine", (LookupMachine,), {"store": store, "lookups": lookups})

    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

    assert lookups.lookups.counts.asked_again > 0


def test_lookups__polled_through_flips__never_show_a_mixture(
    store: Store, lookups: LookupThread
) -> None:
    ref = store.segments.create(PRODUCTION, NewSegment(KEY, "n", unbounded=True)).ref
    always = [f"always-{n}" for n in range(20)]
    never = [f"never-{n}" for n in range(20)]
    replace(store, ref, "first", always)

    def flip(number: int) -> None:
        ours = [f"other-{number}-{n}" for n in range(200)]
        replace(store, ref, f"flip-{number}", always + ours, bits=4 + number % 3)

    with beside(flip):
        answered = 0
        for _ in range(300):
            seen = lookups.see_all(always + never)
            # Two flips while one look-up asks twice: it may not know, but never guesses.
            assert set(seen[:20]) <= {(True, False), StoreUnavailable}
            assert set(seen[20:]) <= {(False, False), StoreUnavailable}
            answered += (True, False) in seen
    assert answered > 200
    assert lookups.lookups.counts.asked_again > 0


def test_lookups__key_moved_between_the_lists__is_always_in_exactly_one(
    store: Store, lookups: LookupThread
) -> None:
    ref = store.segments.create(PRODUCTION, NewSegment(KEY, "n", unbounded=True)).ref
    # So many that the server reads the questions in several pieces.
    keys = [f"key-{n}" for n in range(400)]
    store.memberships.edit(ref, [Edit("i+", key) for key in keys])
    store.memberships.edit(ref, [Edit("e+", "spread"), Edit("e-", "spread")])

    def move(number: int) -> None:
        there, back = (("i-", "e+"), ("i+", "e-"))[number % 2]
        store.memberships.edit(ref, [Edit(op, key) for key in keys for op in (there, back)])  # type: ignore[arg-type]  # two of the four

    with beside(move):
        for _ in range(60):
            assert all(included != excluded for included, excluded in lookups.see_all(keys))  # type: ignore[misc]  # an error would fail to unpack
