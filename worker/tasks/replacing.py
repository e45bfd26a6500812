"""Replacing a worker process that ran out of memory, and only that one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger("bigseg.tasks")

#: Exit status of a process that is to be replaced.
_OUT_OF_MEMORY: Final = 70


@contextmanager
def replaced_when_out_of_memory(task: str) -> Iterator[None]:
    """End this process of the pool after a MemoryError; the pool starts another one.

    Celery treats a MemoryError in a task as one of the whole worker, and ends all its
    processes. What a process holds after one is anybody's guess, so it does not go on.

    Raises:
        SystemExit: in place of the MemoryError.
    """
    try:
        yield
    except MemoryError:
        logger.error("process.replaced", extra={"task": task})  # noqa: TRY400 - its frames are large
        raise SystemExit(_OUT_OF_MEMORY) from None
