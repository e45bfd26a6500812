"""The sets that LaunchDarkly's SDKs read: filled for the first time, and following a list."""

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Final

import redis

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.lists import ListFile, write_uuids
from tests.benchmarks.system import PRODUCTION, BenchmarkError
from worker.batches import batches
from worker.store import SdkStoreSettings

_SEGMENT: Final = "sdk-store"
_PREFIX: Final = "launchdarkly"
_MOST: Final = 1_000_000
_LIMIT_S: Final = 300.0
_POLL_S: Final = 0.01
_PER_PIPELINE: Final = 1_000


def measure(bench: Bench) -> None:
    """Fill with a list, then have an import that changes one context in a hundred followed."""
    system, rows = bench.system, min(bench.members, _MOST)
    file = write_uuids(system.folder, rows, seed=15)
    tell("a pipeline of one SADD a context")
    peers.flush(system.store_port)
    peer_s = _fill_naively(system.store_port, file)
    peers.flush(system.store_port)
    system.create(_SEGMENT)
    system.import_list(_SEGMENT, file)
    before = system.used_bytes()
    tell("first fill")
    started = time.perf_counter()
    system.store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=True, prefix=_PREFIX))
    _wait(bench, lambda: system.store.sdk_store.held(PRODUCTION).get(_SEGMENT) == 1)
    fill_s = time.perf_counter() - started
    size = (system.used_bytes() - before) / rows
    bench.figures.put("sdk_fill_vs_pipeline", peer_s / fill_s, rows=rows, seconds=fill_s)
    bench.figures.note("sdk_fill_vs_pipeline", pipeline_seconds=peer_s)
    bench.figures.put("sdk_bytes", size, rows=rows)
    _measure_flip(bench, rows)
    system.store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=False, prefix=_PREFIX))
    _wait(bench, lambda: not system.store.sdk_store.environments())
    system.delete(_SEGMENT)


def _measure_flip(bench: Bench, rows: int) -> None:
    """From the end of the import until its last new context is in the sets."""
    new = write_uuids(bench.system.folder, max(1, rows // 100), seed=16)
    job = bench.system.import_list(_SEGMENT, new, "merge")
    keys = new.path.read_text().split()
    with redis.Redis(port=bench.system.store_port) as client:
        names = [f"{_PREFIX}:big_segment_include:{_hash(key)}" for key in keys]

        def visible() -> bool:
            return all(client.exists(*some) == len(some) for some in batches(names, 1_000))

        _wait(bench, visible)
    flip_s = time.time() - job.ended
    bench.figures.put("sdk_flip_s", max(flip_s, 0.001), rows=rows, changed=len(keys))


def _wait(bench: Bench, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        bench.system.local.check()
        if time.monotonic() > deadline:
            raise BenchmarkError(
                f"the sets did not follow: {bench.system.store.sdk_store.figures()}"
            )
        time.sleep(_POLL_S)


def _fill_naively(port: int, file: ListFile) -> float:
    """The csv's lines, hashlib, and redis-py pipelines of 1,000 ``SADD``; seconds."""
    with redis.Redis(port=port, db=peers.DATABASE) as client, file.path.open() as lines:
        client.ping()
        started = time.perf_counter()
        pipeline = client.pipeline(transaction=False)
        for some in batches(lines, _PER_PIPELINE):
            for line in some:
                name = f"{_PREFIX}:big_segment_include:{_hash(line.rstrip())}"
                pipeline.sadd(name, f"{_SEGMENT}.g1")
            pipeline.execute()
        return time.perf_counter() - started


def _hash(key: str) -> str:
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()
