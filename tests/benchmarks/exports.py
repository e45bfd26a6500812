"""Exporting a list to S3, against reading the plain set and dropping what was read."""

from tests.benchmarks import peers
from tests.benchmarks.bench import Bench, median, tell


def measure(bench: Bench) -> None:
    """Run both on the same list, in turn."""
    segment, system = bench.product_list(), bench.system
    bench.peer_set()
    scans: list[float] = []

    def export(number: int) -> float:
        tell(f"export and SSCAN, run {number + 1} of {bench.effort.runs}")
        system.used_bytes()  # comes to rest first
        scans.append(peers.scan(system.store_port)[0])
        return system.export_list(segment).seconds

    seconds = median(export, bench.effort.runs)
    bench.note_memory()
    scan_s, members = median(scans.__getitem__, bench.effort.runs), bench.members
    bench.figures.put(
        "export_vs_sscan",
        scan_s / seconds,
        product_members_s=members / seconds,
        peer_members_s=members / scan_s,
        runs=bench.effort.runs,
    )
