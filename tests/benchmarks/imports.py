"""Importing a list: speed and size against plain sets and plain RESTOREs, on one server."""

from collections.abc import Mapping

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, middle, tell
from tests.benchmarks.processes import own_seconds
from tests.benchmarks.restores import Restored, restore
from tests.benchmarks.system import Job


def measure(bench: Bench) -> None:
    """Load the list by the product and the peers in turn, each into an empty place.

    The two peers that load plain sets take far longer than the product, and run once, one before
    and one after it. The set of the last one stays.
    """
    pipe_s, plain_bytes = _pipe(bench)
    jobs, packed_bytes, restores = [], [], []
    for _ in range(bench.effort.long_runs):
        before = bench.system.used_bytes()
        jobs.append(bench.import_once())
        packed_bytes.append(bench.system.used_bytes() - before)
        restores.append(_restore(bench))
    naive_s = _naive(bench)
    _put_import(bench, "import_vs_pipe", pipe_s, jobs)
    _put_import(bench, "import_vs_naive", naive_s, jobs)
    _put_gather(bench, restores, jobs)
    members = bench.members
    packed = middle(packed_bytes)[0]
    bench.figures.put(
        "bytes_vs_plain_set",
        packed / plain_bytes,
        product_bytes=packed / members,
        peer_bytes=plain_bytes / members,
    )
    bench.figures.note("stages_s", **jobs[-1].stage_seconds)
    bench.figures.note_processor("import", jobs[-1].processor)


def _put_import(bench: Bench, key: str, peer_s: float, jobs: list[Job]) -> None:
    value, spread = middle([peer_s / job.seconds for job in jobs])
    seconds = middle([job.seconds for job in jobs])[0]
    bench.figures.put(
        key,
        value,
        spread=spread,
        product_s=seconds,
        product_members_s=bench.members / seconds,
        peer_s=peer_s,
        peer_members_s=bench.members / peer_s,
        runs=len(jobs),
    )


def _put_gather(bench: Bench, restores: list[tuple[Restored, float]], jobs: list[Job]) -> None:
    """Two worker processes that read, sort, build and send, against one that only sends.

    Both end with the last reply. The server's own time is the better measure on a noisy machine.
    """
    members = bench.members
    gather_s = [job.stage_seconds["gather"] for job in jobs]
    pairs = zip(restores, gather_s, strict=True)
    value, spread = middle([found.seconds / seconds for (found, _), seconds in pairs])
    cpu = [_gather_processor(job) for job in jobs]
    bench.figures.put(
        "gather_vs_restore",
        value,
        spread=spread,
        gather_members_s=members / middle(gather_s)[0],
        restore_members_s=members / middle([found.seconds for found, _ in restores])[0],
        gather_server_us=middle([one["store"] for one in cpu])[0] / members * 1e6,
        restore_server_us=middle([used for _, used in restores])[0] / members * 1e6,
        gather_workers_us=middle([one["workers"] for one in cpu])[0] / members * 1e6,
        shards=restores[0][0].shards,
        runs=len(jobs),
    )


def _gather_processor(job: Job) -> Mapping[str, float]:
    return job.processor["gather"]


def _restore(bench: Bench) -> tuple[Restored, float]:
    """Plain RESTOREs of the list; what came of it, and the server's processor seconds."""
    tell("peer: plain RESTORE of the same payloads")
    store = bench.system.pids["store"]
    with restore(bench.list_file, bench.system.store_port) as ready:
        before = own_seconds(store)
        restored = ready.send()
        used = own_seconds(store) - before
    bench.drop_peer_set()
    return restored, used


def _pipe(bench: Bench) -> tuple[float, float]:
    tell("peer: encoded SADDs, one socket")
    before = bench.system.used_bytes()
    blocks = peers.encode_sadds(bench.list_file)
    seconds = peers.pipe(bench.system.store_port, blocks, bench.members)
    size = bench.system.used_bytes() - before
    bench.drop_peer_set()
    return seconds, size


def _naive(bench: Bench) -> float:
    tell("peer: csv module and redis-py")
    bench.system.used_bytes()  # comes to rest first
    seconds = peers.load_naively(bench.system.store_port, bench.list_file)
    bench.peer_loaded = True
    return seconds
