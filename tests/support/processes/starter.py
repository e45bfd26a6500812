"""``python -m tests.support.processes.starter FD FD``: starts bigseg's own programs by forking.

A new interpreter reads modules for a second of a core before it does anything, and a run of the
tests starts many. This one has read them all, and each program that is ordered begins in a copy
of it as ``python -m`` would begin it: with its own arguments, environment and files, and nothing
made yet. Tests order programs over the first socket; the second one takes orders of `command`.
"""

import ast
import atexit
import contextlib
import gc
import importlib
import io
import os
import runpy
import select
import signal
import socket
import sys
import threading
import types
from pathlib import Path
from typing import Any, Final

from worker.objects import load_descriptions

#: All that the programs read, but the first module of each, which is to run there, and the one that
#: makes Celery's application of the environment.
_MODULES: Final = (
    "api.cli.application",
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
_MOST_FILES: Final = 3
#: No file is open here above this number.
_FILES: Final = 64


def main() -> None:
    """Start what is ordered until the other end of the first socket is closed."""
    # Ctrl-C is for the programs; this process ends with the tests.
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # all that is read stays
    for name in _MODULES:
        importlib.import_module(name)
    load_descriptions()
    gc.collect()
    gc.freeze()  # a collection in a copy would write to pages that are shared
    gc.enable()
    of_tests, of_commands = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    with of_tests, of_commands:
        order = _take_orders(of_tests, of_commands)
    if order is not None:
        signal.signal(signal.SIGINT, on_interrupt)
        _become(order)


def _take_orders(of_tests: socket.socket, of_commands: socket.socket) -> dict[str, Any] | None:
    """Give an order in the process that is to follow it; nothing, here, at the end."""
    while True:
        of_command = of_tests not in select.select([of_tests, of_commands], [], [])[0]
        orders = of_commands.accept()[0] if of_command else of_tests
        message, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, _MOST_FILES)
        _reap()
        if of_command:
            files.append(orders.detach())  # the end of the program is told there
        elif not message:
            return None
        if message and os.fork() == 0:
            if program := os.fork():
                _look_after(program, files[-1], of_command=of_command)
            for number, file in enumerate(files[:-1], 0 if of_command else 1):
                os.dup2(file, number)
            return dict(ast.literal_eval(message.decode()))
        for file in files:
            os.close(file)


def _reap() -> None:
    """Forget those whose program has ended; what they took counts as this process's."""
    with contextlib.suppress(ChildProcessError):  # there are none
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _look_after(program: int, status: int, *, of_command: bool) -> None:
    """Tell a program's number and, at its end, its status; ends this process.

    A program ends with the command that has ordered it.
    """
    try:
        os.write(status, f"{program}\n".encode())
        if of_command:
            ended = os.pidfd_open(program)
            if ended not in select.select([ended, status], [], [])[0]:
                os.kill(program, signal.SIGTERM)
        _, code = os.waitpid(program, 0)
        with contextlib.suppress(OSError):  # nobody is there to be told
            os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
    finally:
        os._exit(0)


def _become(order: dict[str, Any]) -> None:
    """Be the program that is ordered, to its end."""
    os.closerange(3, _FILES)
    if order["new_session"]:
        os.setsid()
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv[1:] = order["arguments"]
    sys.argv[0] = order.get("called", sys.argv[0])
    if script := order.get("script"):
        assert isinstance(sys.stdout, io.TextIOWrapper)
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
        _run_script(script)
    else:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _run_script(path: str) -> None:
    """Run a script; ends this process as the interpreter does, but for freeing what it has read.

    That would write to every page of memory that is shared: more than most commands take.
    """
    status: int | None = 0
    program = types.ModuleType("__main__")
    sys.modules["__main__"] = program
    code = compile(Path(path).read_bytes(), path, "exec")
    try:
        exec(code, program.__dict__)  # noqa: S102  # runpy would call it by its file's name
    except SystemExit as exc:
        if isinstance(exc.code, str):  # it is printed
            raise
        status = exc.code
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does
    atexit._run_exitfuncs()  # same
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    main()
