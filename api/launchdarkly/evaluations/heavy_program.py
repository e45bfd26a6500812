"""Heavy evaluations, one after another: the program of an API process's child.

Messages come on standard input, first the settings; answers go to standard output. It has
a store and look-ups of its own and makes the whole answer, so that the API process only
passes bytes on. It ends when its input does, also in the middle of an evaluation.
"""

import asyncio
import os
import resource
import signal
import sys
import threading
from typing import BinaryIO, Final

from api.errors import BROKEN, ApiError, log_failure, new_id, translate_error
from api.evaluation import Effort
from api.launchdarkly.evaluations.environments import EvaluableEnvironments
from api.launchdarkly.evaluations.evaluation import Evaluated, evaluate_all, read_question
from api.launchdarkly.evaluations.heavy_messages import HeavyQuestion, pack_answer
from api.lookups.list_lookups import ListLookups
from api.lookups.lookups import Lookups
from api.lookups.pipeline import Endpoint
from api.services.heavy.frames import SIZE_BYTES, Message
from api.settings import ApiSettings
from worker.logs import configure_logs
from worker.store import Keyspace, Store, StoreError, open_store

#: Below everything else on the machine that answers requests.
NICENESS: Final = 10
#: Memory beside the segments that are kept ready; beyond it the child ends.
MEMORY_BYTES: Final = 1024**3


class HeavyEvaluator:
    """Evaluates with a full effort; for one event loop."""

    def __init__(self, settings: ApiSettings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._opened: Store | None = None
        self._environments = EvaluableEnvironments(settings.evaluation_cache_bytes)
        lookups = Lookups(
            Endpoint.of_url(settings.redis_url.get_secret_value()),
            Keyspace(settings.key_prefix),
            self._store,
            # A process of low priority may have to wait for its turn to read an answer.
            timeout_s=settings.redis_timeout_s,
            backlog=settings.lookup_backlog,
            segment_limit=settings.lookup_segments,
        )
        self._lists = ListLookups(lookups, self._store)

    async def answer(self, asked: HeavyQuestion) -> Evaluated | ApiError:
        """Evaluate one request, or return its refusal; a defect is logged."""
        try:
            return await self._evaluate(asked)
        except ApiError as exc:
            return exc
        except StoreError as exc:
            return translate_error(exc)
        except MemoryError:
            raise
        except Exception as exc:  # noqa: BLE001 - the child survives it, and the caller gets a refusal
            log_failure(exc, new_id())
            return BROKEN

    async def _evaluate(self, asked: HeavyQuestion) -> Evaluated:
        question = read_question(self._environments, self._store(), asked.raw, asked.env)
        lists = await self._lists.look_up(question.asked)
        return evaluate_all(question, lists, asked.seen, Effort())

    def _store(self) -> Store:
        # Creates nothing in the store: the API process has checked whether it is a new one.
        if self._opened is None:
            self._opened = open_store(self._settings)
        return self._opened


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


async def _serve(answers: BinaryIO) -> None:
    messages = _Input(sys.stdin.buffer)
    settings = ApiSettings.model_validate((await messages.next()).header)
    _bound_memory(settings)
    evaluator = HeavyEvaluator(settings)
    while True:
        question = HeavyQuestion.unpack(await messages.next())
        answers.write(pack_answer(await evaluator.answer(question)).pack())
        answers.flush()


def _bound_memory(settings: ApiSettings) -> None:
    # Counts what is allocated, not what is mapped: the interpreter and its libraries are apart.
    most = 2 * settings.evaluation_cache_bytes + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most <= hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def main() -> None:
    """Answer messages until the input ends."""
    # Interrupts are meant for the API process, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    # Whatever else is printed must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    configure_logs()
    try:
        asyncio.run(_serve(answers))
    except Exception as exc:  # noqa: BLE001 - whatever it is, the API process starts another
        log_failure(exc, new_id())
    finally:
        # An orderly end would wait for the thread that reads.
        os._exit(1)


if __name__ == "__main__":
    main()
