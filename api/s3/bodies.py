"""Bodies of requests: of a stated length or in chunks, and S3's own chunks inside them."""

import re
from collections.abc import Iterable
from typing import Final, Protocol

from api.s3.errors import BodyCutError, S3Refusal

#: Longest line between chunks; signatures in it take about 100 bytes.
_LINE_BYTES = 8192
#: Digits of a length; more are longer than any body.
_LENGTH_DIGITS: Final = 18
#: What may stand for the length of a chunk; ``int`` takes signs and underscores, too.
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
#: What a client announces when the body is in S3's own chunks.
#: Source: S3 user guide, "Signature calculations ... transferring payload in multiple chunks".
_FRAMED = "STREAMING-"


class Headers(Protocol):
    """The headers of a request, by name in any case."""

    def get(self, name: str, default: str = "", /) -> str:
        """Give one header."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Give all of them."""


class Body(Protocol):
    """A body that is read once, from its start to its end."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer, or less at the end; 0 once all was read."""

    def readline(self, limit: int, /) -> bytes:
        """Read a line with its end."""


def open_transfer(headers: Headers, connection: Body) -> Body:
    """Open what follows the headers on a connection, up to the next request.

    Raises:
        S3Refusal: its length is not stated as a number.
    """
    if "chunked" in headers.get("transfer-encoding").lower():
        return ChunkedBody(connection)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) <= _LENGTH_DIGITS):
        raise S3Refusal(411, "MissingContentLength", f"no length: {length[:40]!r}")
    return SizedBody(connection, int(length))


def open_body(headers: Headers, transfer: Body) -> Body:
    """Open the content of a transfer, which S3's clients may have framed again."""
    framed = headers.get("x-amz-content-sha256").startswith(_FRAMED)
    return ChunkedBody(transfer) if framed else transfer


def read_all(body: Body, limit: int) -> bytes:
    """Read a small body.

    Raises:
        S3Refusal: it is over the limit, in bytes.
        BodyCutError: the client went away.
    """
    buffer = memoryview(bytearray(limit + 1))
    read = 0
    while read <= limit and (count := body.readinto(buffer[read:])):
        read += count
    if read > limit:
        raise S3Refusal(400, "EntityTooLarge", f"the request's body is over {limit} bytes")
    return bytes(buffer[:read])


def drain(body: Body) -> None:
    """Read the rest of a body, so that the next request on its connection is found."""
    buffer = memoryview(bytearray(1 << 18))
    while body.readinto(buffer):
        pass


class SizedBody:
    """A body of a stated number of bytes."""

    def __init__(self, source: Body, size: int) -> None:
        self._source = source
        self._left = size

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        wanted = min(len(buffer), self._left)
        if not wanted:
            return 0
        # The connection's own buffer is passed by for a large read.
        count = self._source.readinto(buffer[:wanted])
        if not count:
            raise BodyCutError(f"{self._left} bytes of the body are missing")
        self._left -= count
        return count

    def readline(self, limit: int, /) -> bytes:
        """See `Body`."""
        line = self._source.readline(min(limit, self._left))
        self._left -= len(line)
        return line


class ChunkedBody:
    """A body in chunks, each after a line with its length in hex; trailers are dropped.

    HTTP's chunks and S3's are alike: what S3 adds to the line stands after a semicolon.
    """

    def __init__(self, source: Body) -> None:
        self._source = source
        self._left = 0
        self._started = self._ended = False

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        if not self._left and not self._ended:
            self._open_chunk()
        wanted = min(len(buffer), self._left)
        if not wanted:
            return 0
        count = self._source.readinto(buffer[:wanted])
        if not count:
            raise BodyCutError(f"{self._left} bytes of a chunk are missing")
        self._left -= count
        return count

    def readline(self, limit: int, /) -> bytes:
        """See `Body`: one byte a step, for the few lines of chunks inside chunks."""
        line = bytearray()
        byte = memoryview(bytearray(1))
        while len(line) < limit and not line.endswith(b"\n") and self.readinto(byte):
            line += byte
        return bytes(line)

    def _open_chunk(self) -> None:
        if self._started:
            self._read_line()  # the end of the chunk before
        self._started = True
        size = self._read_line().partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            raise S3Refusal(400, "InvalidRequest", f"not a chunk: {size[:40]!r}")
        self._left = int(size, 16)
        if not self._left:
            self._ended = True
            while self._read_line().strip():
                pass  # a trailer

    def _read_line(self) -> bytes:
        line = self._source.readline(_LINE_BYTES)
        # All content is there once the last chunk has begun: some clients end right then.
        if not line.endswith(b"\n") and (line or not self._ended):
            raise BodyCutError("the body ended inside a chunk")
        return line
