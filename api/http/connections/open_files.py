"""Lets a process open as many files as its connections need: each is one."""

import resource
from typing import Final

import structlog

#: Sockets to the store, the broker and the bucket, pipes, and files of the interpreter.
_BESIDE: Final = 512

_log = structlog.get_logger(__name__)


def allow_open_files(connections: int) -> None:
    """Raise the process's own limit as far as it may, and say so if that is not enough.

    Many systems start processes with room for 1,024 open files. Without a file for it, a
    connection is not even refused.
    """
    wanted = connections + _BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        _log.warning(
            "open_files.few",
            allowed=allowed,
            wanted=wanted,
            hint="raise the hard limit of open files (ulimit -Hn), or lower BIGSEG_CONNECTIONS",
        )
