"""Figures, budgets and tables of the bench."""

import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks import markdown
from tests.benchmarks.budgets import BUDGETS
from tests.benchmarks.figures import Figures
from tests.benchmarks.results import Found, Run, as_json
from tests.benchmarks.table import print_tables

_IMPORT = BUDGETS["import_vs_pipe"]


def _run(*only: str) -> Run:
    redis, valkey = Figures(), Figures()
    redis.put("import_vs_pipe", 4.5, spread=(4.25, 5.125), peer_s=10.0)
    valkey.put("import_vs_pipe", 4.5)
    valkey.put("merge_1k_into_10m_s", 0.5)
    valkey.note("stages_s", scatter=1.5)
    found = [Found("redis", "redis 8.2.3", redis), Found("valkey", "valkey 9.1.2", valkey)]
    return Run("scripts/bench", only, 10, "wrk", "2 cores", 9.0, found)


def test_budget__embedded_limit__holds_on_the_embedded_server_only() -> None:
    assert not _IMPORT.met_by(4.5, "redis")
    assert _IMPORT.met_by(4.5, "valkey")


def test_budget__not_a_number__is_not_met() -> None:
    assert not any(budget.met_by(math.nan, "redis") for budget in BUDGETS.values())


def test_json__two_servers__each_has_its_figures_and_verdicts() -> None:
    found = as_json(_run())

    assert found["redis"]["met"] == {"import_vs_pipe": False}
    assert found["valkey"]["met"] == {"import_vs_pipe": True, "merge_1k_into_10m_s": True}
    assert found["redis"]["raw"]["import_vs_pipe"] == {"peer_s": 10.0}
    assert found["redis"]["spread"]["import_vs_pipe"] == (4.25, 5.125)


def test_markdown__two_servers__stand_side_by_side() -> None:
    lines = markdown.render(_run()).splitlines()

    row = next(line for line in lines if "`import_vs_pipe`" in line)
    assert "| 4.5 x (4.25 to 5.12) **missed** | 4.5 x |" in row
    assert "| `stages_s` |  | scatter 1.5 |" in lines


def test_markdown__page_with_marks__replaces_what_is_between_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    places = ("all", "huge", "headlines")
    page.write_text("".join(f"<!-- bench {one} -->\nold {one}\n<!-- end -->\n" for one in places))

    markdown.write_into(page, _run())

    text = page.read_text()
    assert text.count("`import_vs_pipe`") == 3
    assert [one for one in places if f"old {one}" in text] == ["huge"]
    assert text.endswith("| 0.5 s |\n<!-- end -->\n")


def test_markdown__page_without_its_marks__is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")

    with pytest.raises(ValueError, match="no place <!-- bench huge"):
        markdown.write_into(page, _run("huge"))


def test_table__two_servers__shows_verdicts_and_raw_figures() -> None:
    console = Console(file=io.StringIO(), width=200)

    print_tables(_run(), console)

    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "missed" in text
    assert "peer_s 10" in text
