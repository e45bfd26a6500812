"""What can be measured: the groups of a run, their figures, and their order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks import (
    bulk_lookups,
    calls,
    compositions,
    compressed,
    connections,
    evaluations,
    exports,
    forms,
    heavy_evaluations,
    imports,
    large,
    lookups,
    many_objects,
    merges,
    sdk_store,
    sdk_streams,
    tails,
)
from tests.benchmarks.bench import Bench


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that are measured together on a running system.

    Attributes:
        measure: measures them.
        keys: the figures that it puts.
        once: whether the last server of a run is enough, because the store has no part in it.
    """

    measure: Callable[[Bench], None]
    keys: tuple[str, ...]
    once: bool = False


#: In the order of a run: the peers' plain set stays loaded from look-ups to exports, and the
#: merge changes the list last.
GROUPS: Mapping[str, Group] = {
    "import": Group(
        imports.measure,
        ("import_vs_pipe", "import_vs_naive", "gather_vs_restore", "bytes_vs_plain_set"),
    ),
    "lookup": Group(lookups.measure, ("lookup_vs_naive", "lookup_vs_empty_app")),
    "bulk": Group(bulk_lookups.measure, ("bulk_pairs", "lookup_p99_during_bulk")),
    "export": Group(exports.measure, ("export_vs_sscan", "export_members")),
    "connections": Group(
        connections.measure, ("lookup_p99_vs_p50_32", "lookup_p99_vs_p50_128", "gc_pause_ms")
    ),
    "tails": Group(
        tails.measure, ("lookup_p99_in_gather", "lookup_p99_in_publish", "lookup_p99_in_reclaim")
    ),
    "calls": Group(calls.measure, ("longest_call_ms",)),
    "evaluate": Group(evaluations.measure, ("evaluate_1000",), once=True),
    "heavy": Group(heavy_evaluations.measure, ("lookup_p99_during_evaluations",), once=True),
    "forms": Group(
        forms.measure,
        ("scatter_uuid_rows", "scatter_email_rows", "scatter_parquet_vs_csv"),
        once=True,
    ),
    "objects": Group(many_objects.measure, ("import_100_objects_vs_one",), once=True),
    "compressed": Group(
        compressed.measure,
        ("import_gzip_vs_csv", "import_zstd_vs_csv", "import_parquet_vs_csv"),
        once=True,
    ),
    "large": Group(large.measure, ("scatter_30m_vs_10m",), once=True),
    "compose": Group(compositions.measure, ("compose_10m_s",)),
    "sdk_store": Group(sdk_store.measure, ("sdk_fill_vs_pipeline", "sdk_bytes", "sdk_flip_s")),
    "sdk_streams": Group(sdk_streams.measure, ("sdk_stream_kib", "sdk_change_s"), once=True),
    "merge": Group(merges.measure, ("merge_1k_into_10m_s",)),
}
#: Measured only when named, because they take long; they start systems of their own.
NAMED_ONLY = ("scaling", "huge")


def group_names() -> list[str]:
    """Everything that ``--only`` takes: groups, and figures for the groups they are in."""
    keys = [key for group in GROUPS.values() for key in group.keys]
    return [*GROUPS, *keys, *NAMED_ONLY]


def chosen_groups(only: list[str], *, last: bool) -> list[tuple[str, Group]]:
    """The groups to measure on one server."""
    return [
        (name, group)
        for name, group in GROUPS.items()
        if (last or not group.once) and (not only or set(only) & {name, *group.keys})
    ]
