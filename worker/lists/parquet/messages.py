"""Messages between a worker and the process that decodes Parquet for it."""

import json
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, cast

import pyarrow as pa

from worker.lists.errors import UnreadableList

#: A decoder never sends more at once: the cells of its batches have 1 KiB at most.
MESSAGE_LIMIT_BYTES: Final = 128 * 1024 * 1024

_HEAD: Final = struct.Struct("<BQ")
_RANGE: Final = struct.Struct("<QQ")


class Kind(IntEnum):
    """What a message is."""

    ORDER = 1
    """To the decoder: what to read, JSON."""
    ASK = 2
    """From the decoder: a range of the file, two numbers."""
    BYTES = 3
    """To the decoder: the range."""
    FILE = 4
    """From the decoder: what the footer says, JSON."""
    CELLS = 5
    """From the decoder: cells of a batch, an Arrow record batch; binary."""
    LARGE_CELLS = 6
    """The same; large_binary."""
    UNREADABLE = 7
    """From the decoder: the file is damaged, or too costly, and what to do; JSON."""
    UNSUPPORTED = 8
    """From the decoder: the column holds no keys, and the schema; JSON."""
    DONE = 9
    """From the decoder: all has been sent."""
    NO_COLUMN = 10
    """From the decoder: the column that was asked for is not there; JSON text."""
    CHUNKS = 11
    """From the decoder, in place of cells: the column chunks whose pages the worker may read
    itself, JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message; the payload is a buffer of its own."""

    kind: Kind
    payload: memoryview

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """A payload of JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(bytes(self.payload))

    @property
    def span(self) -> tuple[int, int]:
        """The payload of ``ASK``: start and end."""
        start, end = _RANGE.unpack(self.payload)
        return start, end


class Channel:
    """Messages over a stream socket; blocking, for one thread."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._head = bytearray()

    def send(self, kind: Kind, payload: bytes | memoryview = b"") -> None:
        """Send one message.

        Raises:
            OSError: the other side is gone, or a time limit of the socket has passed.
        """
        self._stream.sendall(_HEAD.pack(kind, len(payload)))
        self._stream.sendall(payload)

    def send_json(self, kind: Kind, value: object) -> None:
        """Send JSON; raises as ``send`` does."""
        self.send(kind, json.dumps(value).encode())

    def ask(self, start: int, end: int) -> None:
        """Send ``ASK``; raises as ``send`` does."""
        self.send(Kind.ASK, _RANGE.pack(start, end))

    def receive(self) -> Message | None:
        """Wait for one message; ``None`` when the other side is gone.

        Raises:
            TimeoutError: none has begun within the socket's time limit. Call again.
            UnreadableList: the message is larger than any may be.
        """
        while len(self._head) < _HEAD.size:
            part = self._stream.recv(_HEAD.size - len(self._head))
            if not part:
                return None
            self._head += part
        kind, size = _HEAD.unpack(self._head)
        if size > MESSAGE_LIMIT_BYTES and kind != Kind.BYTES:
            raise UnreadableList("a batch decodes to more than a message can hold")
        self._head.clear()
        # Arrow's memory is used again; a bytearray would be zeroed and mapped again each time.
        payload = memoryview(cast("Any", pa.allocate_buffer(size))).cast("B")
        return Message(Kind(kind), payload) if self._fill(payload) else None

    def _fill(self, payload: memoryview) -> bool:
        left = payload
        while len(left):
            try:
                count = self._stream.recv_into(left)
            except TimeoutError:
                # A message that has begun is followed at once by its rest, or by the end.
                continue
            except ConnectionError:
                return False
            if count == 0:
                return False
            left = left[count:]
        return True
