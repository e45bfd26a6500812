"""How long one call holds the store, by its slow log and its own histograms of latency.

A store is one thread: while it runs a call, everybody waits. The slow log has single commands
and scripts; a transaction counts as a whole in the histogram of ``EXEC`` alone.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, get_args

from redis import Redis

from tests.benchmarks.bench import Bench, middle, tell
from tests.benchmarks.lists import ListFile, first_keys, write_uuids
from tests.benchmarks.pinning import Pins
from worker.store.server.scripts import ScriptName

_SEGMENT = "calls"
_KEYS = 1_000
_SLOWER_THAN_US: Final = 500
_GOAL_US: Final = 2_000
_LONGEST_LOG = 4_096
_CONTROL_BYTES = 1_300
_CONTROL_WINDOW = 64


def measure(bench: Bench) -> None:
    """Import, edit, merge, export and free a list, apart from everything else, some times.

    Of the longest calls of a name, one a run, the middle is taken, and of those the longest: a
    machine that stops for its neighbours makes any call long once, but not the same one again.
    """
    rows = min(bench.members, bench.effort.call_rows)
    file = write_uuids(bench.system.folder, rows, seed=9)
    bench.drop_peer_set()
    scripts = bench.system.store.database.scripts
    names = {scripts.get(name).sha: name for name in get_args(ScriptName)}
    found: dict[str, list[float]] = defaultdict(list)
    took_s: list[float] = []
    for number in range(bench.effort.call_runs):
        tell(f"longest call, run {number + 1} of {bench.effort.call_runs}")
        bench.system.used_bytes()  # comes to rest first
        started = time.monotonic()
        with Pins(bench.system.pids).held() as pins, logged(bench.system.redis, names) as calls:
            _use(bench, number, file)
        took_s.append(time.monotonic() - started)
        for name, us in calls.items():
            found[name].append(us)
    middles = _middles(found, bench.effort.call_runs)
    control, _ = middle([_control_ms(bench, seconds) for seconds in took_s])
    longest = sorted(middles.items(), key=lambda call: -call[1])[:5]
    each = [us for took in found.values() for us in took]
    bench.figures.put(
        "longest_call_ms",
        longest[0][1] / 1000,
        spread=(longest[0][1] / 1000, max(each) / 1000),
        calls=", ".join(f"{name} {us / 1000:.2g} ms" for name, us in longest),
        kinds_over_2_ms=sum(us > _GOAL_US for us in middles.values()),
        control_ms=control,
        rows=rows,
        runs=bench.effort.call_runs,
        pinned=pins.text,
    )


def _middles(found: Mapping[str, Sequence[float]], runs: int) -> dict[str, float]:
    """The middle of each name's longest calls; of a run whose log has none it was short."""
    return {name: middle([*took, *[0.0] * (runs - len(took))])[0] for name, took in found.items()}


def _control_ms(bench: Bench, seconds: float) -> float:
    """The longest of plain SETs sent for as long: what the machine does to any call."""
    redis, value = bench.system.redis, b"x" * _CONTROL_BYTES
    names = [f"{_SEGMENT}-control:{number}" for number in range(_CONTROL_WINDOW)]
    with Pins(bench.system.pids).held(), logged(redis, {}):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.set(name, value)
                pipeline.execute()
        latency = redis.info("latencystats")["latency_percentiles_usec_set"]
    redis.delete(*names)
    return float(latency["p100"]) / 1000


def _use(bench: Bench, number: int, file: ListFile) -> None:
    system, segment = bench.system, f"{_SEGMENT}-{number}"
    system.create(segment)
    system.import_list(segment, file)
    system.edit(segment, first_keys(file, _KEYS))
    more = write_uuids(system.folder, _KEYS, seed=300 + number)
    system.edit(segment, more.path.read_text().split())
    system.import_list(segment, more, "merge")
    system.export_list(segment)
    system.import_list(segment, file)  # compared with the base, which is then freed
    system.delete(segment)


@contextmanager
def logged(redis: Redis, scripts: Mapping[str, str]) -> Iterator[dict[str, float]]:
    """Log the block's calls; at its end, the longest of each name in microseconds.

    Args:
        redis: the server.
        scripts: the names of scripts by their hashes.
    """
    before = {
        **redis.config_get("slowlog-*"),
        **redis.config_get("latency-tracking-info-percentiles"),
    }
    redis.config_set("slowlog-log-slower-than", _SLOWER_THAN_US)
    redis.config_set("slowlog-max-len", _LONGEST_LOG)
    redis.config_set("latency-tracking-info-percentiles", "100")
    redis.config_resetstat()
    redis.execute_command("SLOWLOG", "RESET")
    calls: dict[str, float] = defaultdict(float)
    yield calls
    for entry in redis.slowlog_get(_LONGEST_LOG):
        name = call_name(entry["command"], scripts)
        if name is not None:
            calls[name] = max(calls[name], float(entry["duration"]))
    transaction = redis.info("latencystats").get("latency_percentiles_usec_exec")
    calls["EXEC"] = 0.0 if transaction is None else float(transaction["p100"])
    for setting, value in before.items():
        redis.config_set(str(setting), str(value))


def call_name(command: bytes, scripts: Mapping[str, str]) -> str | None:
    """The name of a call and never a key; none for those of this measurement."""
    words = command.decode(errors="replace").split(" ")
    name = words[0].upper()
    if name == "EVALSHA":
        return scripts.get(words[1], f"{name} {words[1][:8]}")
    return None if name in {"CONFIG", "INFO", "SLOWLOG"} else name
