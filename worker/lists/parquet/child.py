"""The program that decodes Parquet: ``python -m worker.lists.parquet.child FD BYTES``.

A damaged file can make the Parquet library end its process. So a worker starts this small
program, which holds neither settings nor connections, and asks it for a reading; it forks
a child for each, which costs milliseconds where starting Python costs a quarter of a
second. The child's memory is bounded, and so is its CPU time between two results; it can
write no file. It asks the worker for what it reads, range by range.
"""

import gc
import io
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa

from worker.lists.byte_streams import RandomAccess
from worker.lists.errors import ColumnNotFound, UnreadableList, UnsupportedColumn
from worker.lists.parquet.messages import Channel, Kind
from worker.lists.parquet.reader import list_chunks, open_parquet, read_cells

#: How a reading ended: exit code, or minus the signal's number; most memory used, in KiB.
VERDICT: Final = struct.Struct("<iq")
#: Exit code of a reading that could not be given its limits, and so has read nothing.
NOT_LIMITED: Final = 70
#: Seconds of CPU time without a result: a page takes a fraction of one.
COMPUTING_LIMIT_S: Final = 10.0
#: Longest reason that is handed on.
_REASON_CHARACTERS: Final = 500
#: Files that a reading may have open: the channel, and some that a library may want.
_OPEN_FILES: Final = 32


class AskedFile(io.RawIOBase):
    """A file whose bytes the worker has: each read asks for a range, short only at the end."""

    def __init__(self, channel: Channel, size: int, on_bytes: Callable[[], None]) -> None:
        super().__init__()
        self._channel = channel
        self._size = size
        self._position = 0
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        """Always: it cannot be written."""
        return True

    def seekable(self) -> bool:
        """Seeking sends no message."""
        return True

    def tell(self) -> int:
        """The offset of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset in bytes."""
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(0, origins[whence] + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> Any:  # noqa: ANN401 - any buffer
        """Ask for ``size`` bytes, or for all up to the end."""
        start = min(self._position, self._size)
        end = self._size if size is None or size < 0 else min(start + size, self._size)
        if start == end:
            return b""
        self._channel.ask(start, end)
        message = self._channel.receive()
        if message is None:
            os._exit(0)  # the worker is gone, so an answer would not be read
        self._position = end
        self._on_bytes()
        return message.payload


def main() -> None:
    """Fork a child for each socket that comes; end with the worker."""
    control = socket.socket(fileno=int(sys.argv[1]))
    memory_bytes = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _serve(descriptors[0], memory_bytes)
        os.close(descriptors[0])
        _, status, usage = os.wait4(pid, 0)
        try:
            control.sendall(VERDICT.pack(os.waitstatus_to_exitcode(status), usage.ru_maxrss))
        except OSError:
            return


def _serve(descriptor: int, memory_bytes: int) -> None:
    """Read one file and end the process."""
    try:
        _limit(memory_bytes)
    except (OSError, ValueError):
        os._exit(NOT_LIMITED)
    try:
        with socket.socket(fileno=descriptor) as stream:
            _read(Channel(stream))
    except BaseException:  # noqa: BLE001 - a copy of the parent must not go on with its work
        os._exit(1)
    os._exit(0)


def _limit(memory_bytes: int) -> None:
    """Bound what this process may use, beyond what it has."""
    statm = Path("/proc/self/statm")
    if statm.exists():  # only Linux reports and limits the address space of a process
        most = int(statm.read_text().split()[0]) * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _compute_on()


def _compute_on() -> None:
    """Restart the CPU time limit; the signal that comes when it is over ends the process."""
    signal.setitimer(signal.ITIMER_PROF, COMPUTING_LIMIT_S)


def _read(channel: Channel) -> None:
    order = channel.receive()
    if order is None:
        return
    wanted = order.value
    file = cast("RandomAccess", AskedFile(channel, wanted["size"], _compute_on))
    try:
        if wanted["rows"] is None:
            _send_footer(channel, file, wanted)
        elif not (wanted["pages"] and _send_chunks(channel, file, wanted)):
            first, last = wanted["groups"]
            cells = read_cells(
                *(file, wanted["size"], first, last, wanted["rows"], wanted["number"]),
                skip=wanted["skip"],
            )
            _send_cells(channel, cells)
    except UnsupportedColumn as exc:
        channel.send_json(Kind.UNSUPPORTED, [_printable(exc.advice), _printable(exc.schema)])
    except ColumnNotFound as exc:
        channel.send_json(Kind.NO_COLUMN, _printable(exc.reason))
    except UnreadableList as exc:
        channel.send_json(Kind.UNREADABLE, [_printable(exc.reason), exc.remedy])
    except Exception as exc:  # noqa: BLE001 - whatever it is, the bytes are at fault
        channel.send_json(Kind.UNREADABLE, [f"the reader failed with {type(exc).__name__}"])
    else:
        channel.send(Kind.DONE)


def _send_footer(channel: Channel, file: RandomAccess, wanted: Mapping[str, Any]) -> None:
    found = open_parquet(file, wanted["size"], number=wanted["number"], name=wanted["name"])
    groups = [(group.rows, group.column_bytes) for group in found.row_groups]
    footer: dict[str, Any] = {
        "groups": groups,
        "schema": found.schema,
        "text": found.text_elsewhere,
    }
    footer["column"] = found.column
    channel.send_json(Kind.FILE, footer)


def _send_chunks(channel: Channel, file: RandomAccess, wanted: Mapping[str, Any]) -> bool:
    """Send what the worker may read itself; ``False`` if that is nothing."""
    first, last = wanted["groups"]
    chunks = list_chunks(file, wanted["size"], first, last, wanted["number"])
    if chunks:
        channel.send_json(Kind.CHUNKS, [astuple(chunk) for chunk in chunks])
    return bool(chunks)


def _send_cells(channel: Channel, batches: Iterable[Any]) -> None:
    for cells in batches:
        kind = Kind.LARGE_CELLS if pa.types.is_large_binary(cells.type) else Kind.CELLS
        batch = pa.record_batch([cells], names=["cells"])
        channel.send(kind, memoryview(batch.serialize()))
        _compute_on()


def _printable(text: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable[:_REASON_CHARACTERS]


if __name__ == "__main__":
    main()
