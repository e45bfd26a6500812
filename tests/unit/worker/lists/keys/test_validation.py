import pyarrow as pa
import pytest

from tests.support.lists.files import outcomes
from worker.lists.keys.validation import RejectReason, validate

B, L, U, C = (
    RejectReason.BLANK,
    RejectReason.TOO_LONG,
    RejectReason.INVALID_UTF8,
    RejectReason.CONTROL_CHARACTER,
)


@pytest.mark.parametrize(
    ("cell", "outcome"),
    [
        (None, B),
        (b"", B),
        (b" ", B),
        (b" \t\r\n", B),
        ("\u00a0\u2003".encode(), B),
        (b"\xc2\x85", B),
        (b"x" * 1024, b"x" * 1024),
        (b"x" * 1025, L),
        ("é".encode() * 513, L),
        (b" " * 1025, L),
        (b"\xff", U),
        (b"caf\xe9", U),
        (b"\xed\xa0\x80", U),
        (b"\xc0\x80", U),
        (b"a\nb", C),
        (b"a\x00", C),
        (b"\x7f", C),
        (b"a\xc2\x80", C),
        (b"a\xc2\x9fb", C),
        (b"a\xc2\xa0", b"a\xc2\xa0"),
        (b" a ", b" a "),
        (b"\xe2\x80\x8b", b"\xe2\x80\x8b"),
        (b"\xef\xbb\xbfa", b"\xef\xbb\xbfa"),
    ],
)
def test_validate__one_cell__outcome(cell: bytes | None, outcome: bytes | RejectReason) -> None:
    assert outcomes(validate(pa.array([cell], pa.binary()))) == [outcome]
    beside = validate(pa.array([b"a", cell, b"\xc3\xa9"], pa.binary()))
    assert outcomes(beside) == [b"a", outcome, b"\xc3\xa9"]


def test_validate__no_rows__empty_batch() -> None:
    batch = validate(pa.array([], pa.binary()))
    assert (batch.row_count, len(batch.keys), len(batch.rejected_rows)) == (0, 0, 0)


def test_validate__all_null__all_blank() -> None:
    assert outcomes(validate(pa.nulls(3, pa.binary()))) == [B, B, B]


def test_validate__clean_batch__keys_without_a_copy() -> None:
    cells = pa.array([b"a", b"bc"], pa.binary())
    assert validate(cells).keys is cells


def test_reject_reason__label__as_in_reports() -> None:
    labels = {"blank", "too_long", "invalid_utf8", "control_character"}
    labels |= {"invalid_json", "not_text"}
    assert {reason.label for reason in RejectReason} == labels
