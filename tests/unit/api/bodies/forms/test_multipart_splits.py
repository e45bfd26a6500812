"""However a body is cut, it gives the same events."""

import re
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from api.bodies.forms.fields import (
    FieldEvent,
    FileData,
    FileEnd,
    FileStart,
    FormError,
    FormEvent,
)
from api.bodies.forms.multipart import UploadForm

# Short, with a repeated start, so that file bytes are full of near misses of it.
_BOUNDARY = "-a-"
_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"
_NEAR_MISSES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"a", b"\r\n--", b"\r\n---a", b"x", b"\x00", b"\xff"]
    ),
    max_size=30,
).map(b"".join)
_ANY = st.one_of(_NEAR_MISSES, st.binary(max_size=200))


def _body(parts: Sequence[tuple[str, bytes]]) -> bytes:
    head = "--{}\r\nContent-Disposition: form-data; name={}\r\nContent-Type: text/csv\r\n\r\n"
    whole = b"".join(
        head.format(_BOUNDARY, name).encode() + value + b"\r\n" for name, value in parts
    )
    return whole + f"--{_BOUNDARY}--\r\n".encode()


def _cut(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _outcome(pieces: Sequence[bytes]) -> tuple[list[FormEvent], bytes, bool]:
    """Everything that may not depend on the cuts: events, the file's bytes, whether refused."""
    form = UploadForm(_TYPE)
    events: list[FormEvent] = []
    content = bytearray()
    try:
        for piece in pieces:
            given_out = form.feed(piece)
            content += b"".join(e.data for e in given_out if isinstance(e, FileData))
            events += [e for e in given_out if not isinstance(e, FileData)]
        form.finish()
    except FormError:
        return [], b"", True
    return events, bytes(content), False


@given(
    content=_ANY.filter(lambda content: b"\r\n---a-" not in b"\r\n" + content),
    mode=st.text(max_size=20).filter(lambda text: "---a-" not in text),
    file_first=st.booleans(),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
)
def test_form__cut_anywhere__gives_the_parts_it_was_made_of(
    content: bytes, mode: str, file_first: bool, cuts: Sequence[int]
) -> None:
    parts = [("file", content), ("mode", mode.encode())]
    events, received, refused = _outcome(_cut(_body(parts if file_first else parts[::-1]), cuts))
    file_events: list[FormEvent] = [FileStart(None), FileEnd()]
    field_events: list[FormEvent] = [FieldEvent("mode", mode)]
    assert not refused
    assert received == content
    assert events == (file_events + field_events if file_first else field_events + file_events)


@given(content=_ANY)
def test_form__one_byte_at_a_time__same_as_whole(content: bytes) -> None:
    body = _body([("file", content)])
    assert _outcome([bytes([byte]) for byte in body]) == _outcome([body])


@given(
    body=st.lists(
        st.sampled_from(
            [
                b"-----a-",
                b"---a-\r\n",
                b"\r\n---a-",
                b"--",
                b"\r",
                b"\n",
                b'Content-Disposition: form-data; name="file"\r\n\r\n',
                b"Content-Disposition: form-data; name=mode\r\n",
                b"x: y",
                b"\r\n\r\n",
                b"abc",
            ]
        ),
        max_size=12,
    ).map(b"".join),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
)
@example(body=b"", cuts=[])
def test_form__any_bytes__refused_or_read_alike_however_cut(
    body: bytes, cuts: Sequence[int]
) -> None:
    assert _outcome(_cut(body, cuts)) == _outcome([body])


@given(
    preamble=st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"-", b"--", b"a", b"---a-x", b" ---a-\r\n", b"\xff"]
        ),
        max_size=20,
    )
    .map(b"".join)
    .filter(lambda text: not re.search(rb"(\A|\n)---a-(\r\n|--| |\Z)", text)),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
)
@example(preamble=b"--", cuts=[])
@example(preamble=b"---a-x\r\n---a", cuts=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
def test_form__text_before_the_first_boundary__is_dropped_wherever_it_is_cut(
    preamble: bytes, cuts: Sequence[int]
) -> None:
    form = _body([("file", b"k-one\n"), ("mode", b"merge")])
    body = preamble + b"\r\n" + form

    assert _outcome(_cut(body, cuts)) == _outcome([form])
