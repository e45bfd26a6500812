"""Exporting a list to S3, against reading the plain set or its own shards for nothing."""

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, middle, tell


def measure(bench: Bench) -> None:
    """Run all on the same list, in turn."""
    segment, system = bench.product_list(), bench.system
    bench.peer_set()
    names = system.shard_names(segment)
    csv, parquet, scans, dumps = [], [], [], []
    for number in range(bench.effort.long_runs):
        tell(f"export, SSCAN and DUMP, run {number + 1} of {bench.effort.long_runs}")
        system.used_bytes()  # comes to rest first
        scans.append(peers.scan(system.store_port)[0])
        job = system.export_list(segment)
        csv.append(job.seconds)
        dumps.append(peers.dump(system.store_port, names))
        parquet.append(system.export_list(segment, "parquet").seconds)
    bench.note_memory()
    bench.figures.note_processor("export to CSV", job.processor)
    members, figures = bench.members, bench.figures
    value, spread = middle([scan / ours for ours, scan in zip(csv, scans, strict=True)])
    rates = {
        "product_members_s": members / middle(csv)[0],
        "parquet_members_s": members / middle(parquet)[0],
    }
    peer_s = members / middle(scans)[0]
    runs = len(csv)
    figures.put("export_vs_sscan", value, spread=spread, **rates, peer_members_s=peer_s, runs=runs)
    seconds, (least, most) = middle(csv)
    spread = (members / most / 1e6, members / least / 1e6)
    dump_s = members / middle(dumps)[0]
    vs_dump = middle(dumps)[0] / seconds
    figures.put(
        "export_members",
        members / seconds / 1e6,
        spread=spread,
        **rates,
        dump_members_s=dump_s,
        export_vs_dump=vs_dump,
        runs=runs,
    )
