"""What a Relay Proxy has copied is what the sets for SDKs have, wherever it was disconnected."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import httpx
import pytest

from tests.contract.sdk.relay.client import STEPS, SessionEndedError, Step
from tests.contract.sdk.relay.system import System, wait_for_log
from tests.support.proxies.cutting import CuttingProxy, running_cutting_proxy
from tests.support.servers.api import new_key
from tests.support.store.building import replace as replace_list
from tests.support.store.stores import new_list_in
from worker.store import ListRef


def test_relay__disconnected_at_every_step__ends_with_what_sdks_read(system: System) -> None:
    ref, other = (new_list_in(system.store, system.env, new_key()) for _ in range(2))
    keys = {f"k{number}" for number in range(5_000)}
    system.edit(ref, *(f"i+{key}" for key in keys), "e+x")
    prefix = new_key("relay")
    wait_for_log(system)
    for number, step in enumerate(STEPS * 2):
        with system.relay(prefix) as relay:
            system.edit(ref, f"i-k{number}", f"e+k{number}", f"i+n{number}")
            system.edit(other, f"i+k{number}")
            if number == 4:
                kept = keys - {f"k{n}" for n in range(2_500)}
                replace_list(system.store, ref, f"i{number}", kept)
            if number == 7:
                other = new_list_in(system.store, system.env, new_key())
                system.edit(other, "i+a", "i+b")
            if number == 8:
                gone = new_list_in(system.store, system.env, new_key())
                system.edit(gone, "i+a")
                system.store.segments.remove(system.store.segments.get(system.env, gone.segment))
            # A stream is opened once in a session, unless something changes just then.
            cut = _cut_at(step, 0 if step in {"opened", "bridged"} else number % 2)
            with pytest.raises(SessionEndedError):
                relay.run(partial(_edit_and_go_on, system, other), cut)
            assert relay.unmatched == 0
    with system.relay(prefix) as relay:
        system.run(relay, ref, "last")
        system.run_to_the_end(relay)
        assert relay.unmatched == 0
        state = system.store.memberships.state(ref)
        copied = system.copied(relay)
        for side, count in (("in", state.included_count), ("ex", state.excluded_count)):
            found = [key for key in copied if key.startswith(f"big_segment_{side}")]
            assert sum(ref.name in copied[key] for key in found) == count


@dataclass(slots=True)
class Cut:
    """Cuts a connection after this many bytes of the first reply to such a request."""

    request: bytes
    after: int
    sent: int = 0
    is_bridging: bool = False
    """Whether only polls count that are sent while a stream is open."""
    stream_is_open: bool = False
    is_made: bool = False

    def rule(self, proxy: CuttingProxy, request: bytes, reply: bytes) -> bool:
        """Tell whether it is to be made within this piece of a reply."""
        is_meant = request.startswith(self.request) and (
            not self.is_bridging or self.stream_is_open
        )
        self.stream_is_open |= request.startswith(_STREAM)
        if self.is_made or not is_meant:
            return False
        proxy.left = self.after - self.sent
        self.sent += len(reply)
        self.is_made = self.sent > self.after
        return self.is_made


_POLL, _STREAM = b"GET /sdk/big-segments/revisions", b"GET /big-segments"
#: At once, within a head of some 250 bytes, within a body, and late in a large one.
_CUTS = (
    *(Cut(_POLL, after) for after in (0, 100, 300, 90_000)),
    *(Cut(_STREAM, after) for after in (0, 100, 300)),
    *(Cut(_POLL, after, is_bridging=True) for after in (0, 100, 252)),
)


@pytest.fixture
def proxy(system: System) -> Iterator[CuttingProxy]:
    with running_cutting_proxy(httpx.URL(system.api.url).port or 0) as proxy:
        yield proxy


def test_relay__cut_within_a_reply__begins_again_where_it_was(
    system: System, proxy: CuttingProxy
) -> None:
    system = system.another()
    ref = new_list_in(system.store, system.env, new_key())
    system.edit(ref, *(f"i+k{number}" for number in range(3_000)))
    url, prefix = f"http://127.0.0.1:{proxy.listener.getsockname()[1]}", new_key("relay")
    wait_for_log(system)
    for number, cut in enumerate(map(replace, _CUTS)):
        many = 1_700 if cut.after > 300 else 9
        system.edit(ref, f"i-k{number}", *(f"e+n{number}-{n}" for n in range(many)))
        proxy.rule = partial(cut.rule, proxy)
        with system.relay(prefix, url) as relay:
            with pytest.raises(SessionEndedError):
                relay.run(partial(_edit_and_go_on, system, ref))
            assert cut.is_made, cut
            assert relay.unmatched == 0
    proxy.rule = lambda _request, _reply: False
    with system.relay(prefix, url) as relay:
        system.run(relay, ref, "last")
        system.run_to_the_end(relay)
        assert relay.unmatched == 0


def test_relays__two_on_one_database__disturb_each_other_without_harm(system: System) -> None:
    system = system.another()
    lists = [new_list_in(system.store, system.env, new_key()) for _ in range(3)]
    for number, ref in enumerate(lists):
        system.edit(ref, *(f"i+k{n}" for n in range(number, 4_000, 2)))
    prefix, polls = new_key("relay"), list[int]()

    def run(mark: str) -> None:
        with system.relay(prefix) as relay:
            system.run(relay, lists[0], mark)
            polls.append(relay.polls)

    threads = [threading.Thread(target=run, args=(f"mark{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for n in range(40):
        system.edit(lists[n % 3], f"i-k{n}", f"e+k{n}", f"i+n{n}")
    for thread in threads:
        thread.join()
    with system.relay(prefix) as relay:
        system.run(relay, lists[0], "last")
        system.run_to_the_end(relay)
    # The one that comes too late with a page asks again at once, and is then where the other is.
    assert len(polls) == 2
    assert sum(polls) < 400


def test_stream__after_an_edit__sends_it_within_a_second_or_so(system: System) -> None:
    ref = new_list_in(system.store, system.env, new_key())
    with system.relay() as relay:
        system.run(relay, ref, "begun")
        seconds: list[float] = []

        def is_done() -> bool:
            if seconds and seconds[-1] < 0:
                seconds[-1] += time.monotonic()
            if len(seconds) == 3:
                return True
            seconds.append(-time.monotonic())
            system.edit(ref, f"i+edit{len(seconds)}")
            return False

        relay.run(is_done)
        # Mostly 0.3 s; a busy machine takes longer.
        assert min(seconds) < 2


def _cut_at(step: Step, number: int) -> Callable[[Step], None]:
    """End the session at the given occurrence of a step."""
    left = [number]

    def at_step(now: Step) -> None:
        left[0] -= now == step
        if left[0] < 0:
            raise SessionEndedError

    return at_step


def _edit_and_go_on(system: System, ref: ListRef) -> bool:
    """Have the stream send something, again and again."""
    system.edit(ref, f"i+{secrets.token_hex(8)}")
    return False
