"""The edits that instructions ask for on the two lists of a big segment."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from api.errors import InvalidRequest

ListName = Literal["included", "excluded"]
Action = Literal["add", "remove"]

_OTHER: Final[dict[ListName, ListName]] = {"included": "excluded", "excluded": "included"}


@dataclass(frozen=True, slots=True)
class BigSegmentEdit:
    """Keys to add to a list or to remove from it; whether they are there is not known."""

    list: ListName
    action: Action
    keys: tuple[str, ...]


class EditLog:
    """What is left of the edits in the end: of two edits of one key in a list, the last."""

    def __init__(self) -> None:
        self._last: dict[ListName, dict[str, Action]] = {"included": {}, "excluded": {}}

    def note(self, where: ListName, action: Action, keys: Iterable[str]) -> None:
        """Add edits after those noted before."""
        self._last[where].update(dict.fromkeys(keys, action))

    def edits(self) -> tuple[BigSegmentEdit, ...]:
        """The edits, in an order that does not matter; each key at most once a list.

        Raises:
            InvalidRequest: a key would be added to both lists.
        """
        both = self._added("included").keys() & self._added("excluded").keys()
        if both:
            count = "1 key" if len(both) == 1 else f"{len(both):,} keys"
            message = f"instructions: {count} would be both included and excluded"
            raise InvalidRequest(message)
        return tuple(
            BigSegmentEdit(where, action, tuple(keys))
            for where, last in self._last.items()
            for action in ("add", "remove")
            if (keys := [key for key, its in last.items() if its == action])
        )

    def clashes(self) -> dict[ListName, tuple[str, ...]]:
        """By list, the keys that must not be in it for the edits to be allowed.

        They are added to the other list, and nothing in the request removes them from
        this one.
        """
        found = {
            where: tuple(key for key in self._added(_OTHER[where]) if key not in last)
            for where, last in self._last.items()
        }
        return {where: keys for where, keys in found.items() if keys}

    def _added(self, where: ListName) -> dict[str, Action]:
        return {key: its for key, its in self._last[where].items() if its == "add"}
