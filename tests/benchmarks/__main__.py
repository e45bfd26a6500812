"""``python -m tests.benchmarks``: measure the product against its peers on this machine.

The exit status is 0 whatever the figures are; the table says which budgets were missed.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks import huge, markdown, scaling
from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.client import client_name
from tests.benchmarks.effort import QUICK, Effort
from tests.benchmarks.figures import Figures
from tests.benchmarks.groups import NAMED_ONLY, chosen_groups, group_names
from tests.benchmarks.launch import running_system, servers_here
from tests.benchmarks.processes import stolen_s, stolen_share
from tests.benchmarks.results import Found, Run, as_json, describe_machine
from tests.benchmarks.table import print_tables
from tests.support.servers.redis import Kind

_DEFAULT_MEMBERS = 10_000_000
_COLUMNS = 160


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    given = _parser().parse_args(arguments)
    kinds = (given.server,) if given.server else servers_here()
    started = time.monotonic()
    found = [_measure(given, kind, last=kind == kinds[-1]) for kind in kinds]
    run = Run(
        command=" ".join(["scripts/bench", *(sys.argv[1:] if arguments is None else arguments)]),
        only=tuple(given.only),
        members=given.members,
        client=client_name(),
        machine=describe_machine(),
        seconds=time.monotonic() - started,
        found=found,
    )
    _print(given, run)


def _measure(given: argparse.Namespace, kind: Kind, *, last: bool) -> Found:
    figures, effort = Figures(), QUICK if given.quick else Effort()
    log = not given.no_append_only
    server = _measure_groups(given, kind, figures, effort, last=last)
    if "scaling" in given.only:
        rows = given.members
        server = scaling.measure(figures, kind, rows, append_only=log, effort=effort)
    if "huge" in given.only:
        server = huge.measure(figures, kind, append_only=log, effort=effort)
    return Found(kind, server, figures)


def _measure_groups(
    given: argparse.Namespace, kind: Kind, figures: Figures, effort: Effort, *, last: bool
) -> str:
    groups = chosen_groups(given.only, last=last)
    if not groups:
        return ""
    log = not given.no_append_only
    with running_system(kind, effort, append_only=log) as system:
        bench = Bench.open(system, given.members, figures, effort)
        for name, group in groups:
            started, stolen = time.monotonic(), stolen_s()
            group.measure(bench)
            seconds = time.monotonic() - started
            tell(f"{name} took {seconds:.0f} s")
            share = stolen_share(stolen, stolen_s(), seconds)
            for key in set(group.keys) & set(figures.values):
                figures.note(key, stolen_percent=100 * share)
        bench.note_memory()
        return system.server


def _print(given: argparse.Namespace, run: Run) -> None:
    if given.json:
        json.dump(as_json(run), sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif given.markdown is not None:
        for page in given.markdown:
            markdown.write_into(Path(page), run)
        if not given.markdown:
            sys.stdout.write(markdown.render(run))
    else:
        console = Console()
        print_tables(run, console if console.is_terminal else Console(width=_COLUMNS))


def _parser() -> argparse.ArgumentParser:
    names = group_names()
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--members", type=int, default=_DEFAULT_MEMBERS, help="rows of the list")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=names,
        metavar="NAME",
        help=f"of {', '.join(names)}; without it all but {' and '.join(NAMED_ONLY)}",
    )
    parser.add_argument(
        "--server",
        choices=("redis", "valkey"),
        help="store server: Redis 8.2 or the embedded one; both without it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--markdown",
        nargs="*",
        metavar="PAGE",
        help="print Markdown, or put it into pages between the marks for this kind of run",
    )
    parser.add_argument("--quick", action="store_true", help="short runs, to see that it works")
    parser.add_argument("--no-append-only", action="store_true", help="keep nothing on disk")
    return parser


if __name__ == "__main__":
    main()
