import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lists.files import outcomes, reference_outcome
from worker.context_keys import fault_of
from worker.lists.keys.validation import validate

_pieces = st.sampled_from(
    (
        b"a",
        b"Z9",
        b" ",
        b"\t",
        b"\n",
        b"\x7f",
        b"\xc2\x80",
        b"\xc2\xa0",
        b"\xe2\x80\x83",
        b"\xc3\xa9",
        b"\xff",
        b"\xc2",
        b"\x85",
        b"\xf0\x9f\x98\x80",
        b"x" * 1020,
        b"\xe2\x80\x8b",
    )
)
cells = st.lists(_pieces, max_size=5).map(b"".join) | st.binary(max_size=6)


@given(
    column=st.lists(cells | st.none(), max_size=12), skipped=st.integers(0, 4), large=st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_validate__any_cells__each_judged_as_on_its_own(
    column: list[bytes | None], skipped: int, *, large: bool
) -> None:
    kind = pa.large_binary() if large else pa.binary()
    batch = validate(pa.array(column, kind)[skipped:])
    assert batch.keys.null_count == 0
    assert batch.keys.type == kind
    assert outcomes(batch) == [reference_outcome(cell or b"") for cell in column[skipped:]]


@given(text=st.lists(st.text(max_size=5), max_size=8))
@settings(max_examples=150, deadline=None)
def test_validate__any_unicode_text__each_judged_as_on_its_own(text: list[str]) -> None:
    column = [key.encode() for key in text]
    assert outcomes(validate(pa.array(column, pa.binary()))) == [*map(reference_outcome, column)]


@given(column=st.lists(cells, max_size=12))
@settings(max_examples=150, deadline=None)
def test_validate__any_cells__accepts_what_a_request_may_name(column: list[bytes]) -> None:
    batch = validate(pa.array(column, pa.binary()))
    texts = [cell.decode("utf-8", "surrogateescape") for cell in column]
    rejected = [row for row, text in enumerate(texts) if fault_of(text) is not None]
    assert batch.rejected_rows.tolist() == rejected
