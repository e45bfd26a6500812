"""The results on a terminal."""

from rich.console import Console
from rich.table import Table

from tests.benchmarks.budgets import BUDGETS
from tests.benchmarks.results import Found, Run, is_met, spell_raw, spell_value


def print_tables(run: Run, console: Console) -> None:
    """Print the budgets of all servers side by side, and below them what each was made of."""
    table = Table(title=f"{run.members:,} members · {run.machine} · {run.command}")
    for heading in ("what", "against", "budget", *(one.server for one in run.found)):
        table.add_column(heading, overflow="fold")
    for key in run.keys:
        budget = BUDGETS[key]
        found = (_cell(one, key) for one in run.found)
        table.add_row(f"{budget.what}\n{key}", budget.against, budget.text, *found)
    console.print(table)
    for one in run.found:
        raw = Table(title=f"{one.server}: raw figures")
        raw.add_column("what", overflow="fold")
        raw.add_column("raw", overflow="fold")
        for name, figures in one.figures.raw.items():
            raw.add_row(name, spell_raw(figures))
        console.print(raw)


def _cell(found: Found, key: str) -> str:
    text = spell_value(found, key)
    return text and f"{text}\n{'ok' if is_met(found, key) else 'missed'}"
