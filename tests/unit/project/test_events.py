"""The events that bigseg logs: one style of names, and the documents have those there are."""

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


def _calls() -> Iterator[tuple[str, ast.expr, str]]:
    for folder in ("api", "worker"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if _is_log(node.func):
                    where = f"{path.relative_to(_ROOT)}:{node.lineno}"
                    yield where, node.args[0], node.func.attr


def _is_log(function: ast.Attribute) -> bool:
    return function.attr in _LEVELS and (
        (isinstance(function.value, ast.Name) and function.value.id in _LOGGERS)
        or "getLogger" in ast.unparse(function.value)
    )


def _name(event: ast.expr) -> str:
    """Its text, a placeholder being a noun."""
    if isinstance(event, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "noun" for part in event.values
        )
    return str(event.value) if isinstance(event, ast.Constant) else ast.unparse(event)


@pytest.fixture(scope="module")
def events() -> dict[str, tuple[str, str]]:
    """The event and its level by the place of the call."""
    return {where: (_name(event), level) for where, event, level in _calls()}


#: What ``worker.logs`` makes of a library's line.
_MADE_BY_LOGS = {"task.failed": "error"}


def test_events__of_api_and_worker__are_named_in_one_style(
    events: dict[str, tuple[str, str]],
) -> None:
    assert len(events) > 40
    assert [
        f"{where} {name}" for where, (name, _) in events.items() if not _STYLE.fullmatch(name)
    ] == []


def test_trouble__its_events__are_those_of_the_code_with_their_levels(
    events: dict[str, tuple[str, str]],
) -> None:
    text = (_ROOT / "deploy/TROUBLE.md").read_text().partition("<!-- events -->")[2]
    rows = re.findall(r"^\| `([a-z_.]+)` \| (\w+) \|", text, re.MULTILINE)
    documented = {name: {level} for name, level in rows}

    levels: dict[str, set[str]] = {name: {level} for name, level in _MADE_BY_LOGS.items()}
    for name, level in events.values():
        levels.setdefault(name, set()).add("error" if level == "exception" else level)
    assert documented == levels


@pytest.mark.parametrize("page", ["deploy/README.md", "deploy/RUNBOOK.md", "deploy/TROUBLE.md"])
def test_page__its_events__are_those_of_the_code(
    page: str, events: dict[str, tuple[str, str]]
) -> None:
    lines = (_ROOT / page).read_text().splitlines()
    told = [line for line in lines if re.search(r"\blog(s|ged)?\b|Look for|has the", line)]
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", "\n".join(told)))
    others = {
        name for name in named if name.startswith("bigseg.") or (_ROOT / "deploy" / name).exists()
    }

    assert named - others - {name for name, _ in events.values()} - set(_MADE_BY_LOGS) == set()
