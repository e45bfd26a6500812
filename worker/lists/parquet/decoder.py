"""Reads Parquet files, but for pages of text in a separate process: its requests and its end."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa

from worker.byte_columns import Column
from worker.lists.byte_streams import RandomAccess, ReadRange, ranges_of
from worker.lists.errors import ColumnNotFound, DecoderLost, UnreadableList, UnsupportedColumn
from worker.lists.keys.rules import KeyRules
from worker.lists.keys.validation import KeyBatch, validate
from worker.lists.parquet.child import COMPUTING_LIMIT_S, NOT_LIMITED
from worker.lists.parquet.messages import Channel, Kind, Message
from worker.lists.parquet.pages.chunks import read_chunks
from worker.lists.parquet.pages.streams import ColumnChunk
from worker.lists.parquet.process import DecoderProcess
from worker.lists.parquet.reader import BATCH_ROWS, ParquetList, RowGroup

#: Memory that a reading may take in addition to the program itself.
MEMORY_BYTES: Final = 384 * 1024 * 1024
#: Seconds without a message, computing or not, after which the decoder is killed.
SILENCE_LIMIT_S: Final = 60.0
#: Bytes that a reading may ask for: four times the file, and a margin for footers and rounding.
_READ_TIMES: Final = 4
_READ_FREE_BYTES: Final = 64 * 1024 * 1024
_CHECK_EVERY_S: Final = 0.5
#: How the library ends on damaged bytes.
_CRASHES: Final = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
_SCHEMAS: Final = {
    Kind.CELLS: pa.schema([("cells", pa.binary())]),
    Kind.LARGE_CELLS: pa.schema([("cells", pa.large_binary())]),
}


class ParquetDecoder:
    """Reads Parquet files one at a time; for one thread of one process, not for its forks.

    The program is started by the first reading and kept: about 60 MiB, shared with its
    forks. A reading costs 10 ms in addition to decoding.
    """

    def __init__(
        self, memory_bytes: int = MEMORY_BYTES, *, silence_limit_s: float = SILENCE_LIMIT_S
    ) -> None:
        """Start nothing yet.

        Args:
            memory_bytes: What a reading may take.
            silence_limit_s: Seconds without a message after which the decoder is killed.
        """
        self._process = DecoderProcess(memory_bytes)
        self._silence_limit_s = silence_limit_s

    @property
    def peak_kib(self) -> int:
        """Most memory that the last reading used."""
        return self._process.peak_kib

    def close(self) -> None:
        """End the program; the next reading starts another. Idempotent."""
        self._process.close()

    def open_parquet(
        self,
        file: RandomAccess,
        size: int,
        *,
        number: int | None = None,
        name: str | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> ParquetList:
        """Read the footer: the row groups, and the column of the keys.

        Args:
            file: Random access; errors of its reads are passed on.
            size: Its bytes.
            number: The column that is asked for, from 0.
            name: Or its name. Without either it is the first that is not pandas' index.
            on_wait: Called at least twice a second; may raise.

        Raises:
            UnreadableList: It is not a Parquet file, is damaged, or claims more than it can hold.
            UnsupportedColumn: The column is of a type that keys cannot have.
            ColumnNotFound: There is no such column.
            DecoderLost: Something else ended the process. Safe to retry.
        """
        order = {"size": size, "groups": None, "rows": None, "number": number, "name": name}
        for message in self._messages(file, order, on_wait):
            footer = message.value
            groups = tuple(RowGroup(rows, size_bytes) for rows, size_bytes in footer["groups"])
            return ParquetList(groups, footer["schema"], footer["text"], footer["column"])
        raise UnreadableList("its footer could not be read")

    def read_row_groups(
        self,
        file: RandomAccess,
        size: int,
        first: int,
        last: int,
        *,
        batch_rows: int = BATCH_ROWS,
        column: int | None = None,
        rules: KeyRules | None = None,
        read: ReadRange | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Iterator[KeyBatch]:
        """Yield the keys of the row groups ``first`` to ``last``, both included, in order.

        Args:
            file: As of ``open_parquet``.
            size: Its bytes.
            first: Number of the first row group, from 0.
            last: Number of the last one, itself included.
            batch_rows: Most rows in one batch; fewer where cells are long.
            column: The column of the keys, from 0; as of ``open_parquet`` when unset.
            rules: What is done to cells before they are judged.
            read: Gives ranges of the file, which are read where ``pages`` can; its errors are
                passed on. Reads of ``file`` when unset.
            on_wait: Called at least twice a second; may raise.

        Raises:
            UnreadableList: The file is damaged, or decoding it takes too much.
            UnsupportedColumn: As ``open_parquet``.
            DecoderLost: Something else ended the process. Safe to retry.
        """
        order = {"size": size, "groups": (first, last), "rows": batch_rows, "number": column}
        order |= {"skip": 0, "pages": True}
        for cells in self._read_cells(file, order, read or ranges_of(file), on_wait):
            on_wait()
            yield validate(cells, rules=rules)

    def _read_cells(
        self,
        file: RandomAccess,
        order: dict[str, Any],
        read: ReadRange,
        on_wait: Callable[[], None],
    ) -> Iterator[Column]:
        chunks: list[ColumnChunk] = []
        for message in self._messages(file, order, on_wait):
            if message.kind is Kind.CHUNKS:
                chunks = [ColumnChunk(*fields) for fields in message.value]
            else:
                yield _cells_of(message)
        if not chunks:
            return
        whole, rows = yield from read_chunks(chunks, read, order["rows"])
        first, last = order["groups"]
        if first + whole <= last:
            rest = {"groups": (first + whole, last), "skip": rows, "pages": False}
            for message in self._messages(file, order | rest, on_wait):
                yield _cells_of(message)

    def _messages(
        self, file: RandomAccess, order: dict[str, Any], on_wait: Callable[[], None]
    ) -> Iterator[Message]:
        stream = self._process.fork()
        stream.settimeout(self._silence_limit_s)
        channel = Channel(stream)
        left = _READ_TIMES * order["size"] + _READ_FREE_BYTES
        settled = False
        try:
            channel.send_json(Kind.ORDER, order)
            while True:
                message = self._next(stream, channel, on_wait)
                if message is None:
                    settled = True
                    raise self._failure()
                match message.kind:
                    case Kind.ASK:
                        left -= _serve(stream, channel, file, message, order["size"], left)
                    case Kind.UNREADABLE:
                        raise UnreadableList(*message.value)
                    case Kind.UNSUPPORTED:
                        raise UnsupportedColumn(*message.value)
                    case Kind.NO_COLUMN:
                        raise ColumnNotFound(message.value)
                    case Kind.DONE:
                        return
                    case _:
                        yield message
        finally:
            stream.close()
            if not settled:
                self._process.wait()

    def _next(
        self, stream: socket.socket, channel: Channel, on_wait: Callable[[], None]
    ) -> Message | None:
        """The next message; ``None`` when the decoder has ended."""
        since = time.monotonic()
        stream.settimeout(_CHECK_EVERY_S)
        while True:
            on_wait()
            try:
                return channel.receive()
            except TimeoutError:
                if time.monotonic() - since > self._silence_limit_s:
                    self._process.kill()
                    raise DecoderLost(
                        f"did not respond for {self._silence_limit_s:.0f} s"
                    ) from None
            except ConnectionError:
                return None

    def _failure(self) -> Exception:
        """Why the decoder has ended without a message."""
        code = self._process.wait()
        if code is None or code == -signal.SIGKILL:
            return DecoderLost("was killed")
        if code == NOT_LIMITED:
            return DecoderLost("could not be given its memory and file limits")
        if code == -signal.SIGPROF:
            seconds = f"{COMPUTING_LIMIT_S:.0f} s"
            return UnreadableList(f"decoding produced nothing in {seconds} of CPU time")
        if -code in _CRASHES:
            name = signal.Signals(-code).name
            return UnreadableList(f"it is damaged: the reader crashed ({name})")
        return UnreadableList(f"it is damaged: the reader ended with status {code}")


def _serve(
    stream: socket.socket,
    channel: Channel,
    file: RandomAccess,
    message: Message,
    size: int,
    left: int,
) -> int:
    """Send the bytes that the decoder asks for; returns how many they are."""
    start, end = message.span
    if not 0 <= start < end <= size:
        raise UnreadableList("it refers to bytes beyond its end")
    if end - start > left:
        raise UnreadableList("its row groups overlap")
    file.seek(start)
    data = file.read(end - start)
    stream.settimeout(SILENCE_LIMIT_S)
    # If it has ended, its last messages say so.
    with suppress(ConnectionError):
        channel.send(Kind.BYTES, data)
    return end - start


def _cells_of(message: Message) -> Any:  # noqa: ANN401 - an Arrow column
    try:
        schema = _SCHEMAS[message.kind]
        batch = pa.ipc.read_record_batch(pa.py_buffer(message.payload), schema)
        batch.validate(full=True)
    except (KeyError, pa.ArrowException, OSError) as exc:
        raise UnreadableList("the reader returned damaged cells") from exc
    return batch.column(0)
