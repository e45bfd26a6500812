"""Objects in memory, or their heads: read ahead, so that nobody waits for each of many."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from worker.objects.info import ObjectInfo

#: Most bytes of one object that are held.
HELD_BYTES: Final = 1024 * 1024
#: Objects that are read at the same time; twice as many are held at most.
READERS: Final = 8


@dataclass(frozen=True, slots=True)
class HeldObject:
    """All of one object, or its first bytes."""

    info: ObjectInfo
    content: bytes

    def holds(self, obj: ObjectInfo, end: int) -> bool:
        """Whether the bytes of an object up to an offset are here."""
        return self.info == obj and end <= len(self.content)

    def read(
        self, start: int, end: int, on_progress: Callable[[int], None]
    ) -> Generator[bytes, None, None]:
        """Read a range of it, as one piece."""
        if start < end:
            on_progress(end - start)
            yield self.content[start:end]
