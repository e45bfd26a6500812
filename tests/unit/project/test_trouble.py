"""TROUBLE.md lists what the code says: every code, every reason, every event, in order."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from api.launchdarkly.wire.refusals import CODES

_ROOT: Final = Path(__file__).parents[3]
_PAGE: Final = (_ROOT / "deploy/TROUBLE.md").read_text()
#: In place of a name or a number.
_ANY: Final = "…"
_QUOTED: Final = ("reasons", "unavailable", "ready")
#: Where the messages of the page are.
_SPEAKING: Final = ("worker", "api/access", "api/http", "api/lookups", "api/services")


def _table(marker: str) -> list[tuple[str, str, str]]:
    """What is in backticks, the next cell, and what to do."""
    section = _PAGE.partition(f"<!-- {marker} -->")[2].lstrip("\n").partition("\n\n")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|.* (\S[^|]*) \|$", section, re.MULTILINE)
    assert rows, marker
    return rows


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _constants().get(ast.unparse(node.value), _ANY)
    return None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _constants() -> dict[str, str]:
    """The texts that have names, of every module."""
    return {
        ast.unparse(node.target): node.value.value
        for path in _sources("api", "worker")
        for node in _tree(path).body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((_ROOT / folder).rglob("*.py"))


@cache
def _all_texts() -> tuple[str, ...]:
    """Every text of the code."""
    nodes = (node for path in _sources(*_SPEAKING) for node in ast.walk(_tree(path)))
    found = (_text(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr))
    return tuple({text for text in found if text and " " in text})


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part.strip()) for part in phrase.split(_ANY)), re.DOTALL)


def _stops() -> Iterator[str]:
    """Every message with which the code stops an import."""
    for path in _sources("worker/imports"):
        for function in ast.walk(_tree(path)):
            if isinstance(function, ast.FunctionDef) and "raise ImportStopped" in ast.unparse(
                function
            ):
                yield from _messages(function)
    for found in _tree(_ROOT / "worker/lists/errors.py").body:
        if isinstance(found, ast.ClassDef) and "UnusableList" in map(ast.unparse, found.bases):
            yield from _messages(found)


def _messages(within: ast.AST) -> Iterator[str]:
    for node in ast.walk(within):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message":
            yield _text(node.value) or ""
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {
            "ImportStopped",
            "super().__init__",
        }:
            yield from (text for text in map(_text, node.args) if text)


def test_codes__of_the_page__are_those_of_refusals() -> None:
    documented = {code: int(status) for code, status, _ in _table("codes")}

    assert documented == {code: error.status for error, code in CODES.items()}


@pytest.mark.parametrize("marker", _QUOTED)
def test_message__of_the_page__is_one_that_the_code_has(marker: str) -> None:
    patterns = {phrase: _pattern(phrase) for phrase, *_ in _table(marker)}

    missing = [
        phrase for phrase, pattern in patterns.items() if not any(map(pattern.search, _all_texts()))
    ]
    assert missing == []


def test_reason__with_which_the_code_stops_an_import__is_on_the_page() -> None:
    patterns = [_pattern(phrase) for phrase, *_ in _table("reasons")]
    stops = set(_stops())

    assert len(stops) > 15
    missing = [text for text in stops if not any(pattern.search(text) for pattern in patterns)]
    assert missing == []


@pytest.mark.parametrize("marker", ["codes", "events", *_QUOTED])
def test_table__of_the_page__is_in_alphabetical_order(marker: str) -> None:
    names = [name.lower() for name, *_ in _table(marker)]

    assert names == sorted(set(names))


@pytest.mark.parametrize("marker", ["codes", "events", *_QUOTED])
def test_row__of_the_page__says_what_to_do(marker: str) -> None:
    for name, _, remedy in _table(marker):
        assert remedy.endswith("."), name
