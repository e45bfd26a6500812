"""Does something with many objects, several at a time, in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def in_threads(
    do: Callable[[Item], Found], items: Iterable[Item], threads: int
) -> Generator[Found, None, None]:
    """Yield what ``do`` makes of each item, in order.

    At most twice as many results as threads are held. What a call raises is raised in its turn;
    calls that have not begun then are dropped.
    """
    waiting: deque[Future[Found]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                for item in islice(left, 2 * threads - len(waiting)):
                    waiting.append(pool.submit(do, item))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
