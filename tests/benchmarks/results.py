"""The results of one run, for programs."""

import os
import platform
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.budgets import BUDGETS
from tests.benchmarks.figures import Figures, Raw
from tests.support.servers.redis import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """What was found on one server."""

    kind: Kind
    server: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Run:
    """One run on one or two servers."""

    command: str
    only: tuple[str, ...]
    members: int
    client: str
    machine: str
    seconds: float
    found: list[Found]

    @property
    def keys(self) -> list[str]:
        """The figures with a budget that some server has, in the order of the budgets."""
        return [key for key in BUDGETS if any(key in one.figures.values for one in self.found)]

    @property
    def others(self) -> list[str]:
        """The rows without a budget, in the order in which they were found."""
        names = (name for one in self.found for name in one.figures.raw)
        return [name for name in dict.fromkeys(names) if name not in BUDGETS]


def as_json(run: Run) -> dict[str, Any]:
    """One object a server, with one number a key, the raw figures, and what met its budget."""
    about = {
        "command": run.command,
        "members": run.members,
        "worker_processes": 2,
        "client": run.client,
        "machine": run.machine,
        "seconds": round(run.seconds),
    }
    return {"run": about, **{one.kind: _server_json(one) for one in run.found}}


def _server_json(found: Found) -> dict[str, Any]:
    figures = found.figures
    known = {key: figures.values[key] for key in BUDGETS if key in figures.values}
    return {
        "server": found.server,
        **known,
        "spread": figures.spreads,
        "raw": figures.raw,
        "met": {key: BUDGETS[key].met_by(value, found.kind) for key, value in known.items()},
    }


def describe_machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def spell_value(found: Found, key: str) -> str:
    """A figure for people, with the least and the most of its runs; empty without one."""
    value = found.figures.values.get(key)
    if value is None:
        return ""
    spread = found.figures.spreads.get(key)
    apart = spread is not None and spread[0] != spread[1]
    between = f" ({spread[0]:.3g} to {spread[1]:.3g})" if spread is not None and apart else ""
    return f"{value:.3g} {BUDGETS[key].unit}{between}"


def is_met(found: Found, key: str) -> bool:
    """Whether a figure that was found is within its budget."""
    return BUDGETS[key].met_by(found.figures.values[key], found.kind)


def spell_raw(raw: Raw) -> str:
    """Raw figures for people."""
    return ", ".join(f"{name} {_number(value)}" for name, value in raw.items())


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1_000 or value == int(value) else f"{value:.3g}"
