"""A child process for what would delay an API process's look-ups.

Python runs one thread at a time, so what computes for long in a thread takes time from the
event loop. The child is a process of its own with a low priority. It is started when it is
first needed, kept, and started again when it has died.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import structlog

import api
from api.errors import Unavailable
from api.services.heavy.frames import SIZE_BYTES, Message
from api.settings import ApiSettings

#: Seconds for one piece of work, the start of the child included. It takes up to two seconds
#: of a core, but a busy machine gives the child a tenth of one.
LONGEST_WORK_S: Final = 30.0

#: What the child needs; the store's password is among it, so it goes through the pipe.
_SETTINGS: Final = frozenset(
    {
        "redis_url",
        "key_prefix",
        "redis_timeout_s",
        "lookup_backlog",
        "lookup_segments",
        "evaluation_cache_bytes",
    }
)
#: Tokens and credentials that the child has no use for.
_WITHHELD: Final = ("BIGSEG_", "AWS_")
_BUFFER_BYTES: Final = 1024 * 1024
_ENDED: Final = "the process that does heavy work ended; retry"

_log = structlog.get_logger(__name__)


class HeavyProcess:
    """One child and its pipes, for one event loop; the caller sends one question at a time.

    The child ends when its standard input does, so none outlives this process, however it
    ends. It inherits its pipes and standard error, and no other open file.
    """

    def __init__(
        self, settings: ApiSettings, program: str, longest_work_s: float = LONGEST_WORK_S
    ) -> None:
        """Start nothing yet.

        Args:
            settings: part of them is the first message.
            program: the child's module.
            longest_work_s: how long one answer may take.
        """
        self._program = program
        self._settings = settings
        self._longest_work_s = longest_work_s
        self._child: Process | None = None
        self._ending: set[asyncio.Task[object]] = set()

    async def ask(self, question: Message) -> Message:
        """Send a message and wait for the answer to it.

        Cost: about 0.1 ms beside the work; starting the child, about a second of a core.

        Raises:
            Unavailable: the child cannot be started, has ended or takes too long; the next
                call starts another. Safe to retry.
        """
        try:
            async with asyncio.timeout(self._longest_work_s):
                return await self._exchange(await self._running(), question)
        except TimeoutError as exc:
            self._drop("took too long")
            raise Unavailable("the answer took too long; ask for less at a time") from exc
        except (OSError, asyncio.IncompleteReadError) as exc:
            self._drop("ended")
            raise Unavailable(_ENDED) from exc
        except BaseException:
            # The answer may still come, and would be mistaken for the answer to the next question.
            self._drop("was interrupted")
            raise

    async def close(self) -> None:
        """End the child and wait until it is gone. Idempotent."""
        self._end()
        await asyncio.gather(*self._ending)

    async def _running(self) -> Process:
        if self._child is not None and self._child.returncode is not None:
            self._drop("ended")
        if self._child is None:
            self._child = await _start_child(self._program)
            _write(self._child, _first_message(self._settings))
        return self._child

    async def _exchange(self, child: Process, question: Message) -> Message:
        stdout = child.stdout
        assert stdout is not None  # noqa: S101 - it was started with a pipe
        _write(child, question)
        await _input(child).drain()
        size = int.from_bytes(await stdout.readexactly(SIZE_BYTES))
        return Message.parse(await stdout.readexactly(size))

    def _drop(self, reason: str) -> None:
        if self._child is not None:
            _log.warning("child.lost", program=self._program, reason=reason, pid=self._child.pid)
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        _input(child).close()
        if child.returncode is None:
            child.kill()
        # Nobody waits for it, but its pipes are read to their end and closed.
        task: asyncio.Task[object] = asyncio.create_task(child.communicate())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _start_child(program: str) -> Process:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program),
        stdin=PIPE,
        stdout=PIPE,
        # `-m` looks into the working directory first, which may hold another `api`.
        cwd=Path(api.__file__).parents[1],
        env=environment,
        limit=_BUFFER_BYTES,
    )


def _first_message(settings: ApiSettings) -> Message:
    shared = settings.model_dump(mode="json", include=set(_SETTINGS))
    return Message(shared | {"redis_url": settings.redis_url.get_secret_value()})


def _write(child: Process, message: Message) -> None:
    try:
        _input(child).writelines(message.parts())
    except RuntimeError as exc:  # how uvloop reports a pipe that has been closed already
        raise BrokenPipeError("the child's input is closed") from exc


def _input(child: Process) -> asyncio.StreamWriter:
    assert child.stdin is not None  # noqa: S101 - it was started with a pipe
    return child.stdin
