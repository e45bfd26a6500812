"""A large list comes in pages that a relay takes within its three seconds."""

import base64
import time

from tests.contract.sdk.relay.client import changes_of
from tests.contract.sdk.relay.system import new_environment, new_sdk_key
from tests.support.servers.api import Api, new_key
from tests.support.store.building import replace
from tests.support.store.relays import LoggingWorker, digest
from tests.support.store.stores import new_list_in
from worker.store import Store
from worker.store.lists import bits_for

_MEMBERS = 200_000


def test_pages__list_of_200_000__are_small_and_come_soon(api: Api, store: Store) -> None:
    env = new_environment(api)
    ref, key = new_list_in(store, env, new_key()), new_sdk_key(store, env, relay=True)
    members = {f"context-{number}" for number in range(_MEMBERS)}
    replace(store, ref, "large", members, bits=bits_for(_MEMBERS))
    found, after, seconds = list[str](), "", list[float]()
    with api.client(key) as client:
        # Whoever asks first has the worker keep a log.
        assert client.get("/sdk/big-segments/revisions").status_code == 503
        LoggingWorker(store, env).follow(ref)
        while True:
            began = time.monotonic()
            reply = client.get("/sdk/big-segments/revisions", params={"after": after})
            seconds.append(time.monotonic() - began)
            assert reply.status_code == 200, reply.text
            assert len(reply.content) < 1_000_000
            patches = reply.json()
            if not patches:
                break
            assert sum(map(changes_of, patches)) < 5_000
            for patch in patches:
                assert patch["previousVersion"] == after or not after
                after = patch["version"]
                found += patch["changes"]["included"]["add"]
                assert not patch["changes"]["included"]["remove"]
    assert len(found) == _MEMBERS
    assert set(found) == {base64.b64encode(digest(key)).decode() for key in members}
    assert _MEMBERS / 5_000 < len(seconds) < _MEMBERS / 3_000
    # Some 0.1 s each on a busy machine.
    assert sorted(seconds)[len(seconds) // 2] < 0.5
    assert max(seconds) < 3
