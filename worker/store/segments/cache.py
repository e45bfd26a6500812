"""The definitions of whole environments that this process has read before.

Reading ten thousand definitions costs far more than checking whether they have changed, and
decoding their JSON costs far more than comparing it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.sized_cache import SizedCache
from worker.store.keyspace import EnvironmentRef
from worker.store.segments.definitions import Segment

#: Definitions kept in total, about 1.5 KB each.
_MOST_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identifies one state of an environment's definitions."""

    change: bytes
    """A random name that every change replaces, so that a server which has lost its last
    changes cannot arrive at the same stamp again."""
    count: int


@dataclass(frozen=True, slots=True)
class _Known:
    """One environment: its definitions by their JSON, and newest first."""

    stamp: Stamp
    by_text: Mapping[bytes, Segment]
    in_order: tuple[Segment, ...]


class DefinitionCache:
    """Definitions by environment, each with the stamp under which they were read.

    Safe from any thread. It does not know whether they are current: callers compare the stamp
    with the server's.
    """

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._known = SizedCache[EnvironmentRef, _Known](most)

    def get(self, env: EnvironmentRef, stamp: Stamp) -> tuple[Segment, ...] | None:
        """The definitions read under this stamp, newest first, if they are still cached."""
        known = self._known.get(env)
        return known.in_order if known is not None and known.stamp == stamp else None

    def read(
        self,
        env: EnvironmentRef,
        change: bytes | None,
        texts: Mapping[bytes, bytes],
        decode: Callable[[str, bytes], Segment],
    ) -> tuple[Segment, ...]:
        """Decode definitions, newest first, and keep them.

        Args:
            env: their environment.
            change: the random name they were read under; without one they are not kept.
            texts: all definitions of the environment, by segment key.
            decode: called with the key and text of each that the last reading did not find.
        """
        known = self._known.get(env)
        before = {} if known is None else known.by_text
        by_text = {
            text: before.get(text) or decode(key.decode(), text) for key, text in texts.items()
        }
        in_order = tuple(
            sorted(by_text.values(), key=lambda segment: (-segment.created_ms, segment.key))
        )
        if change is not None:
            known = _Known(Stamp(change, len(in_order)), by_text, in_order)
            self._known.keep(env, known, len(in_order))
        return in_order
