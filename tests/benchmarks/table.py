"""The results for people and for programs."""

import os
import platform
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.bench import Figures, Raw
from tests.benchmarks.budgets import BUDGETS, RATIO


def as_json(figures: Figures, run: dict[str, Any]) -> dict[str, Any]:
    """One number a key; beside them the raw figures, what met its budget, and the run."""
    known = {key: figures.values[key] for key in BUDGETS if key in figures.values}
    return {
        **known,
        "raw": figures.raw,
        "met": {key: BUDGETS[key].met_by(value) for key, value in known.items()},
        "run": run,
    }


def describe_machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def print_tables(figures: Figures, run: dict[str, Any], console: Console) -> None:
    """Print the budgets, and below them the rows that have none."""
    table = Table(title=f"{run['members']:,} members · {run['server']} · {run['machine']}")
    for heading in ("what", "against", "found", "budget", "", "raw"):
        table.add_column(heading, overflow="fold")
    for key, budget in BUDGETS.items():
        if key not in figures.values:
            continue
        value = figures.values[key]
        verdict = "ok" if budget.met_by(value) else "missed"
        found = f"{value:,.2f}{'' if budget.unit == RATIO else ' '}{budget.unit}"
        raw = _spelled(figures.raw.get(key, {}))
        table.add_row(f"{budget.what}\n{key}", budget.against, found, budget.text, verdict, raw)
    console.print(table)
    others = {name: raw for name, raw in figures.raw.items() if name not in BUDGETS}
    if others:
        extra = Table(title="without a budget")
        extra.add_column("what", overflow="fold")
        extra.add_column("raw", overflow="fold")
        for name, found_raw in others.items():
            extra.add_row(name, _spelled(found_raw))
        console.print(extra)


def _spelled(raw: Raw) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in raw.items())


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1_000 or value == int(value) else f"{value:.3g}"
