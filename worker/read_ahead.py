"""Takes items from an iterator in a thread of its own, before they are asked for."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

_END: Final = object()
#: Seconds between two calls while an item is waited for.
_CALL_EVERY_S: Final = 0.5


@contextmanager
def read_ahead(
    items: Generator[T], depth: int, *, on_wait: Callable[[], None] = lambda: None
) -> Iterator[Iterator[T]]:
    """Run a generator in a thread, up to ``depth`` items ahead of whoever takes them.

    What it raises is raised where its next item would be taken. Leaving the block stops it,
    waits for the item it is at, and closes it, so nothing is left running.

    Args:
        items: Used by the thread alone until the block is left.
        depth: The most items that are held.
        on_wait: Called twice a second while the next item is waited for; may raise.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        waiting: deque[Future[T | object]] = deque()

        def taken() -> Iterator[T]:
            waiting.extend(thread.submit(next, items, _END) for _ in range(depth))
            while (item := _result(waiting.popleft(), on_wait)) is not _END:
                waiting.append(thread.submit(next, items, _END))
                yield item  # type: ignore[misc]  # not the mark of the end
                # Not held while the next one is waited for.
                item = None

        try:
            yield taken()
        finally:
            thread.shutdown(cancel_futures=True)
            items.close()


def _result(item: Future[T], on_wait: Callable[[], None]) -> T:
    while not wait((item,), _CALL_EVERY_S).done:
        on_wait()
    return item.result()
