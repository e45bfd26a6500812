"""Where a download is written: a new file, an existing one, a pipe or a device."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from api.cli.errors import CommandError

#: Takes all of the bytes, or raises ``OSError``.
Write = Callable[[bytes], None]

#: ``/dev/stdout`` would be opened again, and written from its beginning.
_STANDARD_OUTPUT: Final = (None, Path("-"), Path("/dev/stdout"))
_PERMISSIONS: Final = 0o7777


@contextmanager
def open_output(path: Path | None) -> Iterator[Write]:
    """Open what a download is written to.

    A plain file is replaced only by a complete download, and keeps its mode and owner; a new one
    can be read by its owner alone, because it holds personal data. A link stays, and its target
    is written. Devices and pipes are written in place, and so is a plain file that cannot be
    replaced by one like it: one with several names, of another owner, or in a directory that
    takes no new file; it is emptied when the first byte comes. Opening a pipe waits for its
    reader.

    Args:
        path: the file; unset or ``-`` for standard output.

    Raises:
        CommandError: it cannot be opened, or the block raised ``OSError``: a full disk, say.
        BrokenPipeError: the reader of standard output has closed it, as ``head`` does.
    """
    try:
        with _open(path) as write:
            yield write
    except OSError as exc:
        if isinstance(exc, BrokenPipeError) and is_standard_output(path):
            raise
        named = "standard output" if is_standard_output(path) else path
        raise CommandError(f"cannot write {named}: {exc.strerror or exc}") from exc


def _open(path: Path | None) -> AbstractContextManager[Write]:
    if path is None or path in _STANDARD_OUTPUT:
        return _open_standard_output()
    try:
        status = path.stat()
    except FileNotFoundError:
        return _replace(_resolve(path), None)
    if not stat.S_ISREG(status.st_mode):
        return _write_in_place(path, plain=False)
    target = _resolve(path)
    if not _is_replaceable(status, target.parent):
        return _write_in_place(target, plain=True)
    return _replace(target, status)


def is_standard_output(path: Path | None) -> bool:
    """Whether the path names the process's own output."""
    return path in _STANDARD_OUTPUT


def is_written_whole(path: Path) -> bool:
    """Whether the path gets the whole download or stays as it is."""
    if is_standard_output(path):
        return False
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and _is_replaceable(status, _resolve(path).parent)


def _resolve(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_replaceable(status: os.stat_result, directory: Path) -> bool:
    """Whether a new file can be like this one in all but its contents."""
    owned = os.geteuid() == 0 or (
        status.st_uid == os.geteuid() and status.st_gid in {os.getegid(), *os.getgroups()}
    )
    return owned and status.st_nlink == 1 and os.access(directory, os.W_OK | os.X_OK)


@contextmanager
def _open_standard_output() -> Iterator[Write]:
    sys.stdout.flush()
    # Unbuffered: what a full disk did not take would be tried again, with a traceback, at exit.
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    yield lambda data: _write_all(raw.write, data)


@contextmanager
def _write_in_place(path: Path, *, plain: bool) -> Iterator[Write]:
    # Not created, and a terminal does not become the process's own.
    number = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    emptied = not plain

    def write(data: bytes) -> None:
        nonlocal emptied
        if not emptied:
            os.ftruncate(number, 0)
            emptied = True
        _write_all(file.write, data)

    with open(number, "wb", buffering=0) as file:  # noqa: PTH123  # a number has no Path
        yield write
        write(b"")


@contextmanager
def _replace(target: Path, status: os.stat_result | None) -> Iterator[Write]:
    """Write beside a plain file, and take its name when all is written."""
    if status is not None:
        os.close(os.open(target, os.O_WRONLY))  # what may not be written is not replaced either
    number, name = tempfile.mkstemp(prefix=".bigseg-export-", suffix=".part", dir=target.parent)
    partial = Path(name)  # its mode is 0600
    try:
        with open(number, "wb", buffering=0) as file:  # noqa: PTH123  # a number has no Path
            if status is not None:
                _copy_owner_and_mode(number, status)
            yield lambda data: _write_all(file.write, data)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _copy_owner_and_mode(number: int, status: os.stat_result) -> None:
    """Give a file the owner and the mode of another one."""
    made = os.fstat(number)
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(number, status.st_uid, status.st_gid)
    os.fchmod(number, status.st_mode & _PERMISSIONS)


def _write_all(write: Callable[[memoryview], int | None], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        taken = write(rest)
        if taken is None:
            raise BlockingIOError(errno.EAGAIN, "it is non-blocking, and its reader is too slow")
        rest = rest[taken:]
