"""Importing a list: speed and size against the plain set, on one server."""

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, median, tell


def measure(bench: Bench) -> None:
    """Load the list by both peers and by the product, each into an empty place."""
    pipe_s, plain_bytes = _pipe(bench)
    naive_s = _naive(bench)
    before = bench.system.used_bytes()
    bench.product_list()
    jobs = bench.imported
    packed_bytes = (bench.system.used_bytes() - before) / len(jobs)
    seconds = sorted(job.seconds for job in jobs)[len(jobs) // 2]
    figures, members = bench.figures, bench.members
    product = {"product_s": seconds, "product_members_s": members / seconds, "runs": len(jobs)}
    figures.put(
        "import_vs_pipe",
        pipe_s / seconds,
        **product,
        peer_s=pipe_s,
        peer_members_s=members / pipe_s,
    )
    figures.put(
        "import_vs_naive",
        naive_s / seconds,
        **product,
        peer_s=naive_s,
        peer_members_s=members / naive_s,
    )
    figures.put(
        "bytes_vs_plain_set",
        packed_bytes / plain_bytes,
        product_bytes=packed_bytes / members,
        peer_bytes=plain_bytes / members,
    )
    figures.note("stages_s", **jobs[-1].stage_seconds)


def _pipe(bench: Bench) -> tuple[float, float]:
    tell(f"peer: encoded SADDs, {bench.import_runs} run(s)")
    system, sizes = bench.system, []
    blocks = peers.encode_sadds(bench.list_file)

    def run(_: int) -> float:
        before = system.used_bytes()
        seconds = peers.pipe(system.store_port, blocks, bench.members)
        sizes.append(system.used_bytes() - before)
        bench.drop_peer_set()
        return seconds

    return median(run, bench.import_runs), sizes[0]


def _naive(bench: Bench) -> float:
    tell(f"peer: csv module and redis-py, {bench.import_runs} run(s)")

    def run(_: int) -> float:
        bench.system.used_bytes()  # comes to rest first
        seconds = peers.load_naively(bench.system.store_port, bench.list_file)
        bench.drop_peer_set()
        return seconds

    return median(run, bench.import_runs)
