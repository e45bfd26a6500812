"""The events that bigseg logs: one style of names, and the runbook knows only those there are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
_LOGGERS = {"_log", "logger"}
#: A noun, and what happened to it or how it is, in one word each; nouns may be compounds.
_STYLE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+")


def _calls() -> Iterator[tuple[str, ast.expr]]:
    for folder in ("api", "worker"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _is_log(node.func):
                    yield f"{path.relative_to(_ROOT)}:{node.lineno}", node.args[0]


def _is_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _LEVELS
        and (
            (isinstance(function.value, ast.Name) and function.value.id in _LOGGERS)
            or "getLogger" in ast.unparse(function.value)
        )
    )


def _name(event: ast.expr) -> str:
    """Its text, a placeholder being a noun."""
    if isinstance(event, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "noun" for part in event.values
        )
    return str(event.value) if isinstance(event, ast.Constant) else ast.unparse(event)


@pytest.fixture(scope="module")
def events() -> dict[str, str]:
    """Each event by where it is logged."""
    return {where: _name(event) for where, event in _calls()}


def test_events__of_api_and_worker__are_named_in_one_style(events: dict[str, str]) -> None:
    assert len(events) > 40
    assert [f"{where} {name}" for where, name in events.items() if not _STYLE.fullmatch(name)] == []


def test_runbook__its_events__are_those_of_the_code(events: dict[str, str]) -> None:
    text = (_ROOT / "deploy/RUNBOOK.md").read_text()
    lines = [line for line in text.splitlines() if re.search(r"\blog(s|ged)?\b|Events", line)]
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", "\n".join(lines)))
    assert {"audit.lost", "import.published"} <= named
    assert named - set(events.values()) == set()
