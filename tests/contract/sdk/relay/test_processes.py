"""Streams on each of several processes get changes, and outlive none of them."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.contract.sdk.relay.client import SessionEndedError
from tests.contract.sdk.relay.system import System, hash_of, new_sdk_key, wait_for_log
from tests.support.servers.api import Api, new_key, running_api
from tests.support.servers.redis import Server, wait_until
from tests.support.servers.several_apis import connections_of, process_ids, read_metrics
from tests.support.store.stores import new_list_in

_PROCESSES = 2


@pytest.fixture
def several(system: System, valkey_server: Server) -> Iterator[Api]:
    settings = {"KEY_PREFIX": system.api.prefix}
    with running_api(valkey_server.url, settings, processes=_PROCESSES) as running:
        wait_until(lambda: _starts(running) == _PROCESSES, "all serve")
        yield running


def _starts(api: Api) -> float:
    return read_metrics(api.url)["bigseg_api_starts_total"]


def test_streams__on_each_of_two_processes__get_changes_until_they_end(
    system: System, several: Api
) -> None:
    ref = new_list_in(system.store, system.env, new_key())
    sdk_key = new_sdk_key(system.store, system.env, relay=False)
    port = httpx.URL(several.url).port or 0
    wait_for_log(system)
    with system.relay(url=several.url) as relay, ExitStack() as open_streams:
        clients = {
            key: open_streams.enter_context(several.client(key)) for key in (system.key, sdk_key)
        }
        streams = {path: list[Iterator[str]]() for path in ("/big-segments", "/all")}

        def are_on_all() -> bool:
            """Open some more, until each process has streams."""
            for path, key in zip(streams, clients, strict=True):
                reply = open_streams.enter_context(clients[key].stream("GET", path))
                assert reply.status_code == 200
                streams[path].append(reply.iter_lines())
            return all(connections_of(pid, port) >= 6 for pid in process_ids(several))

        wait_until(are_on_all, "each process has streams")
        system.edit(ref, "i+mark")
        for lines in streams["/big-segments"]:
            assert any(hash_of("mark") in line for line in lines)
        another = new_list_in(system.store, system.env, new_key())
        for lines in streams["/all"]:
            assert any(another.segment in line for line in lines)

        system.run(relay, ref, "before")

        def stop() -> bool:
            several.process.terminate()
            return False

        with pytest.raises(SessionEndedError):
            relay.run(stop)
    # As after a restart: another process knows nothing of that relay, but all that it may ask.
    with system.relay(relay.key("").rstrip(":")) as relay:
        assert relay.cursor
        system.edit(ref, "i-mark")
        system.run(relay, ref, "after")
        system.run_to_the_end(relay)
        assert relay.unmatched == 0
        assert relay.polls < 20
