"""`bigseg`'s commands in a test's own process.

They are made once: typer takes 50 ms of a core for that, at each call of its own runner.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from api.cli.application import build_app


@cache
def _command() -> Any:
    return typer.main.get_command(build_app())


def run_program(
    *words: str, typed: str | bytes | None = None, env: Mapping[str, str | None] | None = None
) -> Result:
    """Run one command as `bigseg` does; ``typed`` is its standard input."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", lambda _: _command())
        return CliRunner().invoke(typer.Typer(), list(words), input=typed, env=env)
