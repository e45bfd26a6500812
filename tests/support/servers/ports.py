"""Ports for servers of tests, which nothing else takes meanwhile."""

import fcntl
import functools
import itertools
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: Below those that systems give to connections. One of them may be taken by any connection that
#: begins between the choice and the server's start, or while a server is stopped for a while; and
#: who asks often whether a server is there yet can be connected to himself.
_PORTS: Final = range(20_000, 32_000)
#: Each process of a run, and each run, chooses from as many of its own.
_OF_A_PROCESS: Final = 400


def free_port() -> int:
    """Give a port nobody listens on now, and no other process of tests is given."""
    ports = _own_ports()
    return next(port for port in itertools.islice(ports, _OF_A_PROCESS) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@functools.cache
def _own_ports() -> Iterator[int]:
    """The ports of this process, over and over; they are its own until it ends."""
    firsts = [*_PORTS[::_OF_A_PROCESS]]
    secrets.SystemRandom().shuffle(firsts)
    first = next(filter(_is_locked, firsts), firsts[0])
    return itertools.cycle(range(first, first + _OF_A_PROCESS))


def _is_locked(first: int) -> bool:
    """Lock the ports from this one on, unless another process has: until this one ends."""
    path = Path(tempfile.gettempdir()) / f"bigseg-ports-{first}.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT)
    except PermissionError:  # another user's
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    return True
