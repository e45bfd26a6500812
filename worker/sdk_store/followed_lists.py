"""How far the sets of one environment have followed each list, and the records of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from worker.store import EnvironmentRef, ListRef
from worker.store.lists import Revision
from worker.store.sdk_store import FollowedList

#: Two names take turns, so that the new revision is pinned before the old one is let go.
_HOLDERS: Final = ("sdk-store-a", "sdk-store-b")


class FollowedLists:
    """The lists of one environment that are followed, or were until they were deleted."""

    def __init__(self, env: EnvironmentRef, lists: dict[str, FollowedList]) -> None:
        """Go on from what was recorded.

        Args:
            env: Whose lists.
            lists: By ``segment.gN``.
        """
        self._env = env
        self._lists = dict(lists)
        self._changed: dict[str, FollowedList | None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._lists))

    def __contains__(self, name: object) -> bool:
        return name in self._lists

    def __getitem__(self, name: str) -> FollowedList:
        return self._lists[name]

    def ref(self, name: str) -> ListRef:
        """The list of this name, ``segment.gN``."""
        segment, _, generation = name.rpartition(".g")
        return ListRef(self._env.project, self._env.environment, segment, int(generation))

    def revision(self, name: str) -> Revision:
        """The revision that the sets hold, or are being filled with."""
        return Revision.parse(self._lists[name].revision)

    def other_holder(self, name: str) -> str:
        """Who is to pin the next revision of a list."""
        followed = self._lists.get(name)
        if followed is None:
            return _HOLDERS[0]
        return _HOLDERS[followed.holder == _HOLDERS[0]]

    def alive(self) -> list[str]:
        """Those that are not deleted."""
        return [name for name, followed in self._lists.items() if not followed.gone]

    def gone(self) -> list[str]:
        """Those that are deleted and may still be in the sets."""
        return [name for name, followed in self._lists.items() if followed.gone]

    def unfilled(self) -> list[str]:
        """Those that the sets do not hold yet, and that need not be compared."""
        return [
            name
            for name in self.alive()
            if not self._lists[name].held and not self._lists[name].whole
        ]

    def to_compare(self) -> list[str]:
        """Those that have to be compared with the sets as a whole."""
        return [name for name in self.alive() if self._lists[name].whole]

    def put(self, name: str, followed: FollowedList) -> None:
        """Set how far a list is."""
        self._lists[name] = self._changed[name] = followed

    def mark(
        self,
        name: str,
        *,
        after: str | None = None,
        held: bool | None = None,
        whole: bool | None = None,
        gone: bool | None = None,
    ) -> None:
        """Change what is given."""
        followed = self._lists[name]
        self.put(
            name,
            replace(
                followed,
                after=followed.after if after is None else after,
                held=followed.held if held is None else held,
                whole=followed.whole if whole is None else whole,
                gone=followed.gone if gone is None else gone,
            ),
        )

    def drop(self, names: Iterable[str]) -> None:
        """Forget lists that are in no set any more."""
        for name in names:
            del self._lists[name]
            self._changed[name] = None

    def take_changed(self) -> dict[str, FollowedList | None]:
        """What has changed since this was asked last; to be recorded."""
        changed, self._changed = self._changed, {}
        return changed


def revision_text(revision: Revision) -> str:
    """A revision as the list's record has it, to be read by :meth:`Revision.parse`."""
    return f"{revision.name} {revision.included_bits} {revision.excluded_bits}"
