import pytest

from api.bodies.json_values import DEEPEST, exact_text, read_json
from api.errors import InvalidRequest


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b"\xef\xbb\xbf[1, 1.0, true]", [1, 1.0, True]),
        ('{"é": "\\ud83d\\ude00"}'.encode(), {"é": "😀"}),
        (b"[" * DEEPEST + b"]" * DEEPEST, ...),
    ],
)
def test_read_json__good__is_read(raw: bytes, value: object) -> None:
    assert value in (..., read_json(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "line 1 column 1"),
        (b'{"a": ', "line 1 column 7"),
        (b"\xff", "not UTF-8: byte 0"),
        (b"[NaN]", "a number that cannot be kept"),
        (b"[-Infinity]", "a number that cannot be kept"),
        (b"[1e999]", "a number that cannot be kept"),
        (b"1" * 5_000, "a number that cannot be kept"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\uDfff": 1}', "half of a surrogate pair"),
        (b'[{"a": 1, "b": {}, "a": 1}]', "two members of one name"),
        (b"[" * 65 + b"1" + b"]" * 65, "nested over 64 deep"),
        (b"[" * 200_000, "nested over 64 deep"),
    ],
)
def test_read_json__bad__refused_with_its_place(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        read_json(raw)


def test_exact_text__types_and_order_of_lists__count() -> None:
    different: tuple[object, ...] = (1, 1.0, True, "1", [1, 2], [2, 1], {"a": 1}, None, [])
    assert len({exact_text(value) for value in different}) == len(different)
    assert exact_text({"a": 1, "b": 2}) == exact_text({"b": 2, "a": 1})


def test_exact_text__no_json__refused() -> None:
    with pytest.raises(InvalidRequest):
        exact_text(float("inf"))
