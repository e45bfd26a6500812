"""Columns are found by their names, spelled exactly or nearly so."""

import pytest

from worker.lists.column_names import find_named


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["id", "e-mail"], [1]),
        (["E-Mail", "e-mail"], [1]),
        (["id", " E-Mail "], [1]),
        (["E-Mail", "E-MAIL"], [0, 1]),
        (["e-mail", "e-mail"], [0, 1]),
        (["email"], []),
        ([], []),
    ],
)
def test_find_named__names__exact_ones_before_those_alike(
    names: list[str], found: list[int]
) -> None:
    assert find_named(names, "e-mail") == found
