"""The table of bounds in deploy/README.md is the code's, and each bound has its test."""

import importlib
import re
from pathlib import Path

import pytest

from api.settings import ApiSettings

_ROOT = Path(__file__).parents[3]
_TABLE = (_ROOT / "deploy/README.md").read_text().partition("<!-- bounds -->\n")[2]
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _TABLE.partition("\n\n")[0].splitlines()[2:]
]
BOUNDS = [row for row in _ROWS if not row[0].startswith("**")]


def _value(source: str) -> float:
    """What the code or a setting's default says."""
    if source.startswith("BIGSEG_"):
        field = ApiSettings.model_fields[source.removeprefix("BIGSEG_").lower()]
        return float(field.default)
    module, _, name = source.partition(":")
    return float(getattr(importlib.import_module(module), name))


def test_bounds_table__is_read() -> None:
    assert len(BOUNDS) > 25


@pytest.mark.parametrize("row", BOUNDS, ids=lambda row: row[0])
def test_bound__in_the_table__is_the_code_s_and_has_a_test(row: list[str]) -> None:
    _, value, source, beyond, test = row
    assert float(value.replace(",", "")) == _value(source.strip("`"))
    assert beyond
    path, _, name = test.strip("`").partition("::")
    text = (_ROOT / "tests" / path).read_text()
    assert re.search(rf"^def {name}\(", text, re.MULTILINE) if name else "def test_" in text
