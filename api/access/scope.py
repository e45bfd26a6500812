"""Which projects, environments and segments a caller may see and change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.access.globs import compile_glob
from worker.store import Grant

#: Globs of one token, and characters of one glob: they are tried on the hot path.
MOST_GRANTS: Final = 50
GLOB: Final = re.compile(r"[a-zA-Z0-9_.*?-]{1,256}")

_ANY: Final = "*"
#: Addresses whose answer is remembered for one token, about 300 bytes each.
_REMEMBERED: Final = 1_024

SegmentAddress = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One grant; ``None`` stands for any key."""

    parts: tuple[re.Pattern[str] | None, ...]

    def allows(self, keys: Sequence[str | None]) -> bool:
        """Whether it holds what the keys name, or something below it."""
        return all(
            part is None or key is None or part.match(key) is not None
            for part, key in zip(self.parts, keys, strict=True)
        )

    def covers(self, keys: Sequence[str | None]) -> bool:
        """Whether it holds what the keys name, and everything below it."""
        return all(
            part is None or (key is not None and part.match(key) is not None)
            for part, key in zip(self.parts, keys, strict=True)
        )


class AccessScope:
    """What a caller's grants allow together; safe from any thread.

    Without grants there are no bounds. Otherwise a single grant has to hold the whole address:
    the project of one does not combine with the segment of another.
    """

    __slots__ = ("_compiled", "_known", "grants")

    def __init__(self, grants: tuple[Grant, ...]) -> None:
        """Compile the globs; each must match :data:`GLOB`."""
        self.grants = grants
        self._compiled = tuple(
            _Compiled(
                (_compile(grant.project), _compile(grant.environment), _compile(grant.segment))
            )
            for grant in grants
        )
        self._known: dict[SegmentAddress, bool] = {}

    @property
    def is_everything(self) -> bool:
        """Whether there are no bounds."""
        return not self._compiled

    def allows(
        self, project: str | None = None, environment: str | None = None, segment: str | None = None
    ) -> bool:
        """Whether an address is in scope, or anything inside it may be.

        The filter for lists and for all that reads. Cost: about 0.1 µs for a segment asked
        about before, else some microseconds.
        """
        if not self._compiled:
            return True
        if project is None or environment is None or segment is None:
            return any(grant.allows((project, environment, segment)) for grant in self._compiled)
        address = (project, environment, segment)
        answer = self._known.get(address)
        if answer is None:
            answer = any(grant.allows(address) for grant in self._compiled)
            if len(self._known) >= _REMEMBERED:
                self._known = {}
            self._known[address] = answer
        return answer

    def covers(
        self, project: str | None = None, environment: str | None = None, segment: str | None = None
    ) -> bool:
        """Whether an address is in scope with all that is or ever will be inside it."""
        if not self._compiled:
            return True
        return any(grant.covers((project, environment, segment)) for grant in self._compiled)

    def matching(self, address: SegmentAddress) -> tuple[Grant, ...]:
        """The grants that hold a segment."""
        pairs = zip(self.grants, self._compiled, strict=True)
        return tuple(grant for grant, compiled in pairs if compiled.allows(address))


EVERYTHING: Final = AccessScope(())


def _compile(glob: str) -> re.Pattern[str] | None:
    """A glob as a pattern; ``None``: any key."""
    if GLOB.fullmatch(glob) is None:
        message = "a glob holds letters, digits, '_', '.', '-', '*' and '?'"
        raise ValueError(message)
    return None if not glob.strip(_ANY) else compile_glob(glob)
