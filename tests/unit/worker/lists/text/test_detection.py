import pytest

from worker.lists.format import ListFormat
from worker.lists.text.detection import HEAD_BYTES, Detected, detect_text
from worker.options.lists import ListOptions


def detect(head: bytes, column: str | None = None) -> Detected:
    return detect_text(head, ListOptions(column=column), "none", whole=True)


@pytest.mark.parametrize(
    ("head", "format_", "field"),
    [
        (b'{}\n{"email":"a"}\n', ListFormat.JSON_LINES, "email"),
        (b'{}\n\n{}\n{"email":"a"}\n', ListFormat.JSON_LINES, "email"),
        (b"{}\n{}\n", ListFormat.JSON_LINES, None),
        (b"{}\n", ListFormat.CSV, None),
        (b"{}\nkey\n", ListFormat.CSV, None),
    ],
)
def test_detect__empty_objects_first__json_lines_if_there_are_several(
    head: bytes, format_: ListFormat, field: str | None
) -> None:
    found = detect(head)
    assert (found.format, found.form.field) == (format_, field)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (
            b'{"email":"a","id":1}\n{"email":"b","id":2,"rare":3}\n',
            "none of the first 2 objects has a field emial; their fields: email, id",
        ),
        # Where each object has a field of its own, the fields may be the keys.
        (b'{"ann":1}\n{"bob":1}\n', "none of the first 2 objects has a field emial"),
        (b'{"email":"a"}\n{"EMIAL ":"b"}\n', None),
        (b"{}\n{}\n", None),
    ],
)
def test_detect__field_that_no_object_has__told_with_the_fields_that_most_have(
    head: bytes, reason: str | None
) -> None:
    assert detect(head, column="emial").missing == reason


def test_detect__field_of_few_objects__found_in_all_of_the_head() -> None:
    lines = b'{"id":1}\n' * 5_000 + b'{"id":2,"email":"a"}\n'
    assert len(lines) < HEAD_BYTES
    assert detect(lines, column="email").missing is None
