"""The processes that are killed, and how each comes back."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Final

from tests.support.servers.objects import StandIn
from tests.support.servers.redis import wait_until
from tests.support.systems.system import System
from tests.support.systems.up import children_of, is_running

#: Kills a process; what it gives starts it again, and waits until it is there.
Kill = Callable[[System, StandIn], Callable[[], None]]


def _kill_worker(system: System, _s3: StandIn) -> Callable[[], None]:
    """The main process; its pool, and what that has started, must end by themselves."""
    decoders = _decoders(system)
    _wait_for_end([*system.worker.kill_leader(), *decoders])
    return system.worker.start


def _kill_pool(system: System, _s3: StandIn) -> Callable[[], None]:
    """Every process of the pool; the main one starts others."""
    children, decoders = system.worker.children(), _decoders(system)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    _wait_for_end([*children, *decoders])
    return lambda: None


def _decoders(system: System) -> list[int]:
    """What processes of the pool have started to decode Parquet."""
    return [pid for child in system.worker.children() for pid in children_of(child)]


def _wait_for_end(pids: Sequence[int]) -> None:
    wait_until(lambda: not any(map(is_running, pids)), "what the worker has started has ended")


def _kill_upkeep(system: System, _s3: StandIn) -> Callable[[], None]:
    system.upkeep.kill()
    return system.upkeep.start


def _kill_beat(system: System, _s3: StandIn) -> Callable[[], None]:
    system.beat.kill()
    return system.beat.start


def _kill_api(system: System, _s3: StandIn) -> Callable[[], None]:
    system.api.kill()

    def start() -> None:
        system.api.start()
        system.wait_ready()

    return start


def _kill_store(system: System, _s3: StandIn) -> Callable[[], None]:
    system.server.kill()

    def start() -> None:
        system.server.start()
        system.wait_ready()

    return start


def _kill_s3(system: System, s3: StandIn) -> Callable[[], None]:
    s3.kill()

    def start() -> None:
        s3.start()
        system.api.guardian.watch(s3.process.pid)

    return start


KILLS: Final[dict[str, Kill]] = {
    "worker": _kill_worker,
    "pool": _kill_pool,
    "upkeep": _kill_upkeep,
    "beat": _kill_beat,
    "api": _kill_api,
    "store": _kill_store,
    "s3": _kill_s3,
}
#: Those that are killed in every run: what does the work, and what holds all that is known of it.
#: Each with the number of its first kind: together they meet all kinds.
USUAL: Final = {"worker": 0, "store": 4}
#: Those without which a look-up cannot be answered.
ANSWERING: Final = frozenset({"api", "store"})
