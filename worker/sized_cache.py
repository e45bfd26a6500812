"""A cache with a bound on the total size of what it holds."""

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class SizedCache(Generic[K, V]):
    """Values by key; those kept first are dropped when there is too much. Safe from any thread.

    It does not know whether a value is current: callers compare.
    """

    def __init__(self, most: int) -> None:
        """Hold nothing yet; ``most`` is in the unit of the sizes, such as bytes."""
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[K, tuple[V, int]] = {}
        self._size = 0

    def get(self, key: K) -> V | None:
        """The value, if it is still kept."""
        kept = self._kept.get(key)
        return None if kept is None else kept[0]

    def keep(self, key: K, value: V, size: int) -> None:
        """Keep a value in place of the key's last one; if it alone is too large, keep neither."""
        with self._lock:
            self._drop(key)
            if size > self._most:
                return
            while self._kept and self._size + size > self._most:
                self._drop(next(iter(self._kept)))
            self._kept[key] = (value, size)
            self._size += size

    def _drop(self, key: K) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self._size -= size
