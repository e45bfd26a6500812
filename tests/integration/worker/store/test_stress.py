"""Editors without pause, replace imports one after the other, zombies and readers."""

import time
from typing import Final

from tests.support.servers.redis import Server
from tests.support.store.building import build, count, publish, write_side
from tests.support.store.editing_threads import (
    Claims,
    Editor,
    FlipReader,
    ZombieWriter,
    file_key,
    without_pause,
)
from tests.support.store.stores import new_list, opened
from worker.store import ListRef, Store
from worker.store.keyspace import INCLUDED
from worker.store.workflows import reclaim_list

EDITORS: Final = 3
RUN_S: Final = 4.0
FEWEST_FLIPS: Final = 10
#: Until there have been so many, on a machine that has no time for them in the other.
LIMIT_S: Final = 60.0


def _replace(store: Store, ref: ListRef, number: int, claims: Claims) -> tuple[str, str]:
    """Import one file, each shard written twice, with another shard count than the last.

    Gives the id of who is now a zombie, and its target.
    """
    import_id, bits = f"i{number}", (4, 6, 5, 7, 4)[number % 5]
    keys = [file_key(number, row) for row in range(100 + 97 * (number % 5))]
    claims.begun += 1
    before = time.monotonic()
    store.builds.claim(ref, import_id)
    claim = before, time.monotonic()
    target = build(store, ref, import_id, keys, bits=bits)
    write_side(store, ref, import_id, INCLUDED, keys, bits)
    publish(store, ref, import_id, target, retire_after_ms=50)
    claims.published = claim
    return import_id, target.name


def _give_up(store: Store, ref: ListRef, number: int) -> tuple[str, str]:
    """Build a revision and cancel it; gives the id of who is now a zombie, and its target."""
    import_id = f"given up {number}"
    target = build(store, ref, import_id, ["zombie"])
    store.builds.cancel(ref, import_id)
    return import_id, target.name


def test_list__replaced_under_editors__loses_no_edit_and_shows_no_mixture(
    valkey_server: Server,
) -> None:
    with opened(valkey_server) as store:
        ref, claims = new_list(store), Claims()
        editors = [Editor(store, ref, n, claims) for n in range(EDITORS)]
        zombie, reader = ZombieWriter(store, ref), FlipReader(store, ref)
        _replace(store, ref, 0, claims)
        ends = time.monotonic() + RUN_S
        number = 0

        def is_enough() -> bool:
            fewest = min(number - 1, zombie.turned_away, reader.polls)
            return time.monotonic() > ends and fewest > FEWEST_FLIPS

        with without_pause(*(one.edit for one in editors), zombie.write, reader.poll) as failed:
            while not is_enough() and not failed.is_set():
                assert time.monotonic() < ends + LIMIT_S, "too few flips"
                number += 1
                if number % 4 == 3:
                    zombie.builds.append(_give_up(store, ref, number))
                ended = _replace(store, ref, number, claims)
                reader.live = number
                zombie.builds.append(ended)
                reclaim_list(store, ref)
        state = store.memberships.state(ref)
        assert count(store, ref, state.live) == (state.included_count, state.excluded_count)
        checked = [editor.check() for editor in editors]
        assert all(compared > 100 for compared, _ in checked)
        assert sum(since for _, since in checked) > 0
        reader.expect_no_stranger()
