"""Exporting a list to S3, against reading the plain set and dropping what was read."""

import statistics

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, tell


def measure(bench: Bench) -> None:
    """Run both on the same list, in turn."""
    segment, system = bench.product_list(), bench.system
    bench.peer_set()
    pairs: list[tuple[float, float]] = []
    for number in range(bench.effort.runs):
        tell(f"export and SSCAN, run {number + 1} of {bench.effort.runs}")
        system.used_bytes()  # comes to rest first
        scanned_s, _ = peers.scan(system.store_port)
        pairs.append((system.export_list(segment).seconds, scanned_s))
    bench.note_memory()
    members = bench.members
    bench.figures.put(
        "export_vs_sscan",
        statistics.median(scan_s / export_s for export_s, scan_s in pairs),
        product_members_s=members / statistics.median(export_s for export_s, _ in pairs),
        peer_members_s=members / statistics.median(scan_s for _, scan_s in pairs),
        runs=len(pairs),
    )
