"""Bodies in chunks give back what was framed, however it is read and wherever it is cut."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.s3.bodies import ChunkedBody, SizedBody, read_all
from api.s3.errors import BodyCutError, S3Refusal

_CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=5)


def _frame(chunks: list[bytes], extension: bytes = b"") -> bytes:
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return framed + b"0" + extension + b"\r\nx-trailer: 1\r\n\r\n"


def _read(body: ChunkedBody | SizedBody, step: int) -> bytes:
    content, buffer = b"", memoryview(bytearray(step))
    while count := body.readinto(buffer):
        content += buffer[:count]
    return content


@given(_CHUNKS, _CHUNKS, st.integers(1, 50))
def test_chunks__in_each_other_and_followed_by_more__are_their_content(
    chunks: list[bytes], outer: list[bytes], step: int
) -> None:
    inner = _frame(chunks, b";chunk-signature=0f")
    cuts = [inner[at : at + step] for at in range(0, len(inner), step)]
    source = io.BytesIO(_frame(cuts) + b"the next request")
    assert _read(ChunkedBody(ChunkedBody(source)), step) == b"".join(chunks)
    # Whoever reads the inner body to its end has read the outer one but for its own end.
    plain = io.BytesIO(_frame(outer) + b"the next request")
    assert _read(ChunkedBody(plain), step) == b"".join(outer)
    assert plain.read() == b"the next request"


@given(_CHUNKS.filter(bool), st.data())
def test_chunks__cut_anywhere__are_never_taken_for_whole(
    chunks: list[bytes], data: st.DataObject
) -> None:
    framed = _frame(chunks)
    cut = data.draw(st.integers(0, len(framed) - 1))
    try:
        content = _read(ChunkedBody(io.BytesIO(framed[:cut])), 7)
    except BodyCutError:
        return
    assert content == b"".join(chunks)
    assert framed[:cut].endswith(b"\r\n")


@pytest.mark.parametrize("size", [b"", b"-5", b"+5", b"0x5", b"1_0", b"g", b"f" * 16])
def test_chunk__whose_length_is_no_hex_number__is_refused(size: bytes) -> None:
    with pytest.raises(S3Refusal):
        _read(ChunkedBody(io.BytesIO(size + b"\r\nhello\r\n0\r\n\r\n")), 5)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_sized_body__of_any_limit__is_read_or_refused(content: bytes, limit: int) -> None:
    body = SizedBody(io.BytesIO(content + b"more"), len(content))
    try:
        assert read_all(body, limit) == content
        assert len(content) <= limit
    except S3Refusal:
        assert len(content) > limit
