"""A relay whose version is not known here begins anew, under references that nobody was ever sent.

What it holds may have been removed meanwhile, which nobody can tell it any more.
"""

from collections.abc import Callable
from typing import Final

import pytest

from tests.contract.sdk.relay.client import SessionEndedError
from tests.contract.sdk.relay.system import System
from tests.support.servers.api import new_key
from tests.support.servers.redis import wait_until
from tests.support.store.relays import digest
from tests.support.store.stores import new_list_in
from worker.store import ListRef
from worker.store.sdk_log import SdkLog
from worker.store.sdk_log.records import shifted

_STRANGER: Final = "5f2ad4c9b3b1c70a8f6e0d11"


def _forge(system: System, _ref: ListRef, cursor: str) -> None:
    """Have the relay be at a version of another server."""
    system.redis.set(cursor, _STRANGER)


def _compact(system: System, ref: ListRef, _cursor: str) -> None:
    """Have the log keep nothing but its last entry, which says what is so already."""
    log = SdkLog(system.store.database, most_bytes=1)
    log.append(system.env, system.writer(), ref.name, {"included": (digest("stays"), b"")})


def _renumber(system: System, _ref: ListRef, _cursor: str) -> None:
    """Have the worker find that its log lacks something."""
    system.store.sdk_log.restart(system.env, system.writer())


def _lose(system: System, _ref: ListRef, _cursor: str) -> None:
    """Have the store lose the log."""
    system.store.sdk_log.forget(system.env)


def _expect_definition(system: System, ref: ListRef) -> None:
    """What evaluates with the relay's database must look for the references that it has now."""
    now = shifted(ref.name, system.store.sdk_log.relay_shift(system.env))

    def is_told() -> bool:
        with system.api.client(system.key) as client:
            segment = client.get("/sdk/latest-all").json()["segments"][ref.segment]
            return f"{ref.segment}.g{segment['generation']}" == now

    wait_until(is_told, f"definitions name {now}")


@pytest.mark.parametrize("happens", [_forge, _compact, _renumber, _lose])
def test_relay__version_is_not_known__begins_under_other_references(
    system: System, happens: Callable[[System, ListRef, str], None]
) -> None:
    system = system.another()
    ref = new_list_in(system.store, system.env, new_key())
    system.edit(ref, "i+gone", "i+stays")
    prefixes = [new_key("relay") for _ in range(2)]
    cursors = [f"{prefix}:big_segments_cursor" for prefix in prefixes]
    for prefix in prefixes:
        with system.relay(prefix) as relay:
            system.run(relay, ref, f"before-{prefix}")
            assert system.is_copied(relay, "gone", ref)
    system.edit(ref, "i-gone")
    with system.relay() as another:
        system.run(another, ref, "logged")
    happens(system, ref, cursors[0])
    with system.relay(prefixes[0]) as relay:
        system.run(relay, ref, "after")
        system.run_to_the_end(relay)
        assert system.is_copied(relay, "stays", ref)
        assert not system.is_copied(relay, "gone", ref)
        assert relay.unmatched == 0
    _expect_definition(system, ref)
    # Another one has to wait, and asks once in a session.
    system.redis.set(cursors[1], f"{_STRANGER}-of-another")
    with system.relay(prefixes[1]) as relay:
        with pytest.raises(SessionEndedError, match="begin anew within ten minutes"):
            relay.run(lambda: True)
        assert relay.polls == 1
