from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lists.files import reference_cells
from worker.lists.csv.module_rows import read_by_csv_module
from worker.lists.csv.rows import read_rows

_text = st.text(alphabet='",\r\nab', max_size=30).map(str.encode)


@given(block=_text.filter(bool))
@settings(max_examples=200, deadline=None)
def test_read_rows__whole_block__cells_of_csv_reader(block: bytes) -> None:
    rows = read_rows(block, limit=len(block), final=True)
    assert rows.cells.to_pylist() == reference_cells(block)
    assert rows.end == len(block)


@given(block=_text.filter(bool), limit=st.integers(1, 31), final=st.booleans())
@settings(max_examples=200, deadline=None)
def test_read_rows__unfinished_or_limited__starts_of_the_csv_module(
    block: bytes, limit: int, *, final: bool
) -> None:
    rows = read_rows(block, limit=limit, final=final)
    cells, starts, _ = read_by_csv_module(block, limit, final=final)
    # The csv module cannot tell a finished last row from an unfinished one.
    assert rows.cells.to_pylist()[: len(cells)] == cells.to_pylist()
    assert len(cells) <= len(rows.cells) <= len(cells) + 1
    assert rows.end >= starts[-1]
    assert rows.end <= len(block)
    if len(rows.cells):
        assert 0 <= rows.longest_at < rows.longest_at + rows.longest_bytes <= rows.end


_PLAIN = st.text(alphabet="ab", max_size=3)
_QUOTED = st.text(alphabet="ab,\n", max_size=3).map(lambda text: f'"{text}"')


@given(
    rows=st.lists(st.tuples(_PLAIN, _QUOTED, _PLAIN), min_size=1, max_size=6),
    columns=st.sampled_from(([0, 2], [1], [1, 0], [1, 0, 2], [0, 1], [0, 2, 0])),
    terminator=st.sampled_from(("\n", "\r\n")),
    change=st.tuples(st.integers(0, 60), st.sampled_from(("", "a", ",", '"', "\n"))),
    final=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_read_rows__rows_alike_but_for_one_place__cells_of_csv_reader(
    rows: list[tuple[str, str, str]],
    columns: list[int],
    terminator: str,
    change: tuple[int, str],
    *,
    final: bool,
) -> None:
    text = "".join(",".join(row[column] for column in columns) + terminator for row in rows)
    at, character = change
    block = (text[:at] + character + text[at + 1 :] if character else text).encode()
    found = read_rows(block, limit=len(block), final=final)
    cells = reference_cells(block)
    assert found.cells.to_pylist() == cells[: len(found.cells)]
    if final:
        assert len(found.cells) == len(cells)
