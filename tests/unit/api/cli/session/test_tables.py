"""Tables fit the terminal, whatever is in them, and break no time; TSV has a line a row."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from api.cli.session.tables import FIELDS, Moment, Table, moment

_MS = 1_795_953_449_300
_TIME = "2026-11-29 11:57:29Z"


def _print(table: Table, width: int) -> list[str]:
    output = io.StringIO()
    table.print(Console(file=output, width=width, force_terminal=False))
    return output.getvalue().splitlines()


_CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=80),
    st.integers(0, 2**53).map(Moment),
)


@given(
    columns=st.lists(st.text("abc ", min_size=1, max_size=20), min_size=1, max_size=8),
    data=st.data(),
    width=st.sampled_from((40, 60, 80)),
)
def test_table__of_anything__is_no_wider_than_the_terminal(
    columns: list[str], data: st.DataObject, width: int
) -> None:
    row = st.tuples(*[_CELLS] * len(columns))
    table = Table("A title", columns, data.draw(st.lists(row, max_size=3)))

    assert max(map(cell_len, _print(table, width)), default=0) <= width


@pytest.mark.parametrize("width", [40, 60, 80])
def test_table__with_times__breaks_none_and_leaves_nothing_out(width: int) -> None:
    long = "d" * 90
    about = Table("T", FIELDS, [("members changed", Moment(_MS)), ("description", long)])
    many = Table("T", ("key", "name", "created"), [("k" * 70, "n", Moment(_MS))])

    for table, text in ((about, long), (many, "k" * 70)):
        printed = _print(table, width)
        assert any(_TIME in line for line in printed)
        letter = text[0]
        drawn = "".join(line for line in printed if letter * 5 in line)
        assert drawn.count(letter) >= len(text)


def test_table__control_characters_and_markup__are_shown_not_obeyed() -> None:
    printed = "\n".join(_print(Table("T", ("a",), [("\x1b[31m[bold]x\x9b",)]), 60))

    assert "\\x1b[31m[bold]x\\x9b" in printed
    assert "\x1b" not in printed


def test_tsv__every_kind_of_cell__is_one_line_without_a_heading() -> None:
    cells = (None, True, False, 1_234_567, 0.25, "a\tb\n\\c", Moment(_MS), moment(None))

    text = Table("T", ("x",) * len(cells), [cells, cells]).tsv()

    line = "\ttrue\tfalse\t1234567\t0.25\ta\\tb\\n\\\\c\t2026-11-29T11:57:29Z\t\n"
    assert text == line * 2


def test_moment__beyond_the_calendar__is_never() -> None:
    assert Moment(10**18).format() == "never"
