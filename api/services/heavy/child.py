"""The frame of a child process that does what would delay look-ups; each has one kind of work.

Messages come on standard input, first the settings; answers go to standard output. The child has
a store and look-ups of its own and makes the whole answer, so that the API process only
passes bytes on. It ends when its input does, also in the middle of an evaluation.
"""

import asyncio
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from api.errors import BROKEN, ApiError, log_failure, new_id, translate_error
from api.lookups.list_lookups import ListLookups
from api.lookups.lookups import Lookups
from api.lookups.pipeline import Endpoint
from api.services.heavy.frames import SIZE_BYTES, Message
from api.services.heavy.refusals import refusal_message
from api.settings import ApiSettings
from worker.logs import configure_logs
from worker.store import Keyspace, Store, StoreError, open_store

#: Below everything else on the machine that answers requests.
NICENESS: Final = 10
#: Memory beside the segments that are kept ready; beyond it the child ends.
MEMORY_BYTES: Final = 1024**3

Answer = Callable[[Message], Awaitable[Message]]
"""Answers one question; what it raises is refused."""


@dataclass(frozen=True, slots=True)
class ChildServices:
    """What a child works with."""

    settings: ApiSettings
    store: Callable[[], Store]
    lookups: Lookups
    lists: ListLookups
    clock: Callable[[], int]
    """Unix milliseconds."""


def run_child(make: Callable[[ChildServices], Answer]) -> None:
    """Answer messages until the input ends.

    Args:
        make: makes what answers, once.
    """
    # Interrupts are meant for the API process, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    # Whatever else is printed must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    configure_logs()
    try:
        asyncio.run(_serve(answers, make))
    except Exception as exc:  # noqa: BLE001 - whatever it is, the API process starts another
        log_failure(exc, new_id())
    finally:
        # An orderly end would wait for the thread that reads.
        os._exit(1)


class _Input:
    """Reads messages in a thread, which notices the end of the input during an evaluation."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read_all, daemon=True).start()

    async def next(self) -> Message:
        return await self._messages.get()

    def _read_all(self) -> None:
        try:
            while len(size := self._stream.read(SIZE_BYTES)) == SIZE_BYTES:
                message = Message.parse(self._stream.read(int.from_bytes(size)))
                self._loop.call_soon_threadsafe(self._messages.put_nowait, message)
        finally:
            # Nobody is left to be answered, so nothing is worth finishing.
            os._exit(0)


class _LazyStore:
    """Opens the store when it is first needed, and creates nothing in it.

    The API process has checked whether it is a new one.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._opened: Store | None = None

    def __call__(self) -> Store:
        if self._opened is None:
            self._opened = open_store(self._settings)
        return self._opened


async def _serve(answers: BinaryIO, make: Callable[[ChildServices], Answer]) -> None:
    messages = _Input(sys.stdin.buffer)
    settings = ApiSettings.model_validate((await messages.next()).header)
    _bound_memory(settings)
    answer = make(_services(settings))
    while True:
        answers.writelines((await _answer(answer, await messages.next())).parts())
        answers.flush()


async def _answer(answer: Answer, question: Message) -> Message:
    """Answer one question, or say its refusal; a defect is logged."""
    try:
        return await answer(question)
    except ApiError as exc:
        return refusal_message(exc)
    except StoreError as exc:
        return refusal_message(translate_error(exc))
    except MemoryError:
        raise
    except Exception as exc:  # noqa: BLE001 - the child survives it, and the caller gets a refusal
        log_failure(exc, new_id())
        return refusal_message(BROKEN)


def _services(settings: ApiSettings) -> ChildServices:
    """Connect to nothing yet."""
    store = _LazyStore(settings)
    lookups = Lookups(
        Endpoint.of_url(settings.redis_url.get_secret_value()),
        Keyspace(settings.key_prefix),
        store,
        # A process of low priority may have to wait for its turn to read an answer.
        timeout_s=settings.redis_timeout_s,
        backlog=settings.lookup_backlog,
        segment_limit=settings.lookup_segments,
    )
    return ChildServices(settings, store, lookups, ListLookups(lookups, store), clock=_unix_ms)


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


def _bound_memory(settings: ApiSettings) -> None:
    # Counts what is allocated, not what is mapped: the interpreter and its libraries are apart.
    most = 2 * settings.evaluation_cache_bytes + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most <= hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
