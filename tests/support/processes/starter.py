"""``python -m tests.support.processes.starter FD``: starts bigseg's own programs by forking.

A new interpreter reads modules for a second of a core before it does anything, and a run of the
tests starts many. This one has read them all, and each program that is ordered begins in a copy
of it as ``python -m`` would begin it: with its own arguments, environment and files, and nothing
made yet.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any, Final

from worker.objects import load_descriptions

#: All that the programs read, but the first module of each, which is to run there, and the one that
#: makes Celery's application of the environment.
_MODULES: Final = (
    "api.cli.local_system",
    "api.s3.stand_in",
    "api.serving.server",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "worker.broker.transport",
    "worker.tasks.app",
)
_MOST_BYTES: Final = 1 << 17
#: No file is open here above this number.
_FILES: Final = 64


def main() -> None:
    """Start what is ordered until the other end of the socket is closed."""
    # Ctrl-C is for the programs; this process ends with the tests.
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _MODULES:
        importlib.import_module(name)
    load_descriptions()
    gc.collect()
    gc.freeze()  # a collection in a copy would write to pages that are shared
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = _take_orders(orders)
    if order is not None:
        signal.signal(signal.SIGINT, on_interrupt)
        _become(order)


def _take_orders(orders: socket.socket) -> dict[str, Any] | None:
    """Give an order in the process that is to follow it; nothing, here, at the end."""
    while True:
        message, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, 3)
        _reap()
        if not message:
            return None
        output, errors, status = files
        if os.fork() == 0:
            if program := os.fork():
                _look_after(program, status)
            os.dup2(output, 1)
            os.dup2(errors, 2)
            return dict(json.loads(message))
        for file in files:
            os.close(file)


def _reap() -> None:
    """Forget those whose program has ended; what they took counts as this process's."""
    with contextlib.suppress(ChildProcessError):  # there are none
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _look_after(program: int, status: int) -> None:
    """Tell a program's number and, at its end, its status; ends this process."""
    try:
        os.write(status, f"{program}\n".encode())
        _, ended = os.waitpid(program, 0)
        os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode())
    finally:
        os._exit(0)


def _become(order: dict[str, Any]) -> None:
    """Be the program that is ordered, to its end."""
    os.closerange(3, _FILES)
    if order["new_session"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv[1:] = order["arguments"]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
