"""What a form may look like, and what is refused."""

from collections.abc import Sequence
from email.generator import BytesGenerator
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from io import BytesIO
from typing import Any

import httpx
import pytest
from urllib3.filepost import encode_multipart_formdata

from api.bodies.forms.fields import (
    FieldEvent,
    FileData,
    FileEnd,
    FileStart,
    FormError,
    FormEvent,
    parse_flag,
)
from api.bodies.forms.multipart import UploadForm

_LIST = b"alice\r\nbob\n--carol\r\n"
_TYPE = "multipart/form-data; boundary=B"


def read_form(content_type: str, pieces: Sequence[bytes], **limits: Any) -> list[FormEvent]:
    form = UploadForm(content_type, **limits)
    events = [event for piece in pieces for event in form.feed(piece)]
    return events + form.finish()


def file_bytes(events: Sequence[FormEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, FileData))


def part(name: str, value: bytes, extra: str = "") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def refusal(body: bytes, **limits: int) -> str:
    with pytest.raises(FormError) as caught:
        read_form(_TYPE, [body], **limits)
    return caught.value.reason


@pytest.mark.parametrize(
    "boundary", ["B", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "a'()+_,-./:=?"]
)
def test_form__urllib3_as_the_python_client_sends_it__fields_then_file(boundary: str) -> None:
    fields: dict[str, str | tuple[str, bytes, str]] = {
        "mode": "replace",
        "waitOnApprovals": "False",
        "file": ("list.csv", _LIST, "text/csv"),
    }
    body, _ = encode_multipart_formdata(fields, boundary=boundary)
    events = read_form(f'multipart/form-data; boundary="{boundary}"', [body])
    assert events == [
        FieldEvent("mode", "replace"),
        FieldEvent("waitOnApprovals", "False"),
        FileStart("list.csv"),
        FileData(bytearray(_LIST)),
        FileEnd(),
    ]


def test_form__httpx_body__file_name_in_any_script() -> None:
    files = {"file": ("Kundenliste ä 名簿; x.csv", _LIST, "application/octet-stream")}
    request = httpx.Request("POST", "http://h", data={"mode": "merge"}, files=files)
    events = read_form(request.headers["Content-Type"], [request.read()])
    assert FieldEvent("mode", "merge") in events
    assert FileStart("Kundenliste ä 名簿; x.csv") in events
    assert file_bytes(events) == _LIST


def test_form__email_package_body__same_events() -> None:
    form = MIMEMultipart("form-data", boundary="B")
    for name, value in (("file", "alice\nbob"), ("mode", "merge")):
        item = MIMENonMultipart("text", "plain")
        item.set_payload(value)
        item.add_header("Content-Disposition", "form-data", name=name)
        form.attach(item)
    raw = BytesIO()
    BytesGenerator(raw, policy=form.policy.clone(linesep="\r\n")).flatten(form)
    _, body = raw.getvalue().split(b"\r\n\r\n", 1)
    events = read_form(form["Content-Type"], [body])
    assert events[0] == FileStart(None)
    assert file_bytes(events) == b"alice\r\nbob"
    assert events[-1] == FieldEvent("mode", "merge")


def test_form__file_part_without_file_name__is_the_file_all_the_same() -> None:
    events = read_form(_TYPE, [part("file", _LIST) + b"--B--\r\n"])
    assert events == [FileStart(None), FileData(bytearray(_LIST)), FileEnd()]


def test_form__file_before_the_fields__order_kept() -> None:
    body = part("file", b"", '; filename=""') + part("mode", b"merge") + b"--B--"
    events = read_form(_TYPE, [body])
    assert events == [FileStart(""), FileEnd(), FieldEvent("mode", "merge")]


def test_form__preamble_newline_and_epilogue__ignored() -> None:
    events = read_form(_TYPE, [b"\r\n" + part("file", b"a") + b"--B--\r\nanything", b"more"])
    assert file_bytes(events) == b"a"


def test_form__large_file_in_small_pieces__comes_in_256_kib_and_more() -> None:
    content = b"0123456789abcde\n" * 65_536
    body = part("file", content) + b"--B--\r\n"
    pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
    events = read_form(_TYPE, pieces)
    sizes = [len(event.data) for event in events if isinstance(event, FileData)]
    assert file_bytes(events) == content
    assert min(sizes[:-1]) >= 256 * 1024
    assert max(sizes) < 256 * 1024 + 10_000


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/csv",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=B",
        "multipart/form-data; boundary=" + "b" * 300,
    ],
)
def test_form__unusable_content_type__refused(content_type: str) -> None:
    with pytest.raises(FormError):
        UploadForm(content_type)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (part("file", b"a"), "cut short"),
        (b"", "cut short"),
        (part("file", b"a")[:-5], "cut short"),
        (b"--B--\r\n", "no part named 'file'"),
        (part("mode", b"merge") + b"--B--\r\n", "no part named 'file'"),
        (part("file", b"a") * 2 + b"--B--\r\n", "two parts named 'file'"),
        (part("mode", b"a") * 2 + b"--B--\r\n", "two parts named 'mode'"),
        (b"".join(part(str(n), b"") for n in range(9)), "over 8 parts"),
        (part("mode", b"m" * 1025), "'mode' is over 1024 bytes"),
        (part("data", b"m" * 1025, '; filename="x"'), "the part named 'file'"),
        (part("mode", b"\xff") + b"--B--", "'mode' is not UTF-8"),
        (part("file", b"a", "\r\nContent-Transfer-Encoding: base64"), "Content-Transfer-Encoding"),
        (b"--B\r\nContent-Type: text/csv\r\n\r\na\r\n--B--", "no name"),
        (b"--B\r\n\r\na\r\n--B--", "no name"),
        (b"--C\r\n", "is not in it"),
        (b"no line --B\r\n", "is not in it"),
        (b"p" * 20_000, "no boundary in the first 16,384 bytes"),
        (b"--B\r\nbad header\r\n\r\n", "malformed"),
    ],
)
def test_form__body_that_is_no_upload__refused_with_its_reason(body: bytes, reason: str) -> None:
    assert reason in refusal(body)


def test_form__headers_over_the_limit__refused_before_they_are_held() -> None:
    assert "headers are over 100 bytes" in refusal(
        part("file", b"a", "; filename=" + "x" * 100), max_header_bytes=100
    )


def test_form__endless_header__refused() -> None:
    with pytest.raises(FormError):
        read_form(_TYPE, [b"--B\r\nX: ", *[b"x" * 1000] * 100])


@pytest.mark.parametrize(
    ("text", "flag"), [("True", True), ("true", True), ("1", True), ("False", False), ("", False)]
)
def test_flag__as_clients_write_it__read(text: str, flag: bool) -> None:  # the value under test
    assert parse_flag("waitOnApprovals", text) is flag


def test_flag__anything_else__refused() -> None:
    with pytest.raises(FormError, match="waitOnApprovals"):
        parse_flag("waitOnApprovals", "maybe")
