"""The pages that show figures name rows, goals and options that exist."""

import re
from pathlib import Path

import pytest

from tests.benchmarks.budgets import BUDGETS, HEADLINES
from tests.benchmarks.groups import GROUPS, group_names

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "tests/benchmarks/RESULTS.md"
_ROW = re.compile(r"^\|[^|]*`(\w+)` \|[^|]*\| ([^|]*) \|", re.MULTILINE)


def test_budgets__all__are_measured_by_a_group() -> None:
    keys = {key for group in GROUPS.values() for key in group.keys}

    # The peak is noted by every group.
    assert keys | {"worker_peak_mib"} == set(BUDGETS)


def test_readme__rows_of_the_bench__exist_with_their_goals() -> None:
    table = (_ROOT / "README.md").read_text().partition("<!-- bench headlines -->")[2]
    table = table.partition("<!-- end -->")[0]

    rows = _ROW.findall(table)

    assert dict(rows) == {key: BUDGETS[key].text for key in HEADLINES}


def test_results__rows_named_in_the_text__exist() -> None:
    text = re.sub(r"<!-- bench .*?<!-- end -->", "", _RESULTS.read_text(), flags=re.DOTALL)

    named = re.findall(r"`((?:lookup|gather_vs|longest|scatter|import|export)\w+)`", text)

    assert set(named) <= set(BUDGETS)
    assert len(named) > 5


@pytest.mark.parametrize("page", ["README.md", "deploy/README.md", "tests/benchmarks/RESULTS.md"])
def test_only__named_in_a_page__is_a_choice(page: str) -> None:
    named = set(re.findall(r"--only (\w+)", (_ROOT / page).read_text()))

    assert named <= set(group_names())


def test_results__places_of_tables__are_of_the_whole_run_and_of_what_can_be_named() -> None:
    whole, *others = re.findall(r"<!-- bench (.+) -->", _RESULTS.read_text())

    assert whole == "all"
    assert "huge" in others
    assert {name for place in others for name in place.split()} <= set(group_names())
