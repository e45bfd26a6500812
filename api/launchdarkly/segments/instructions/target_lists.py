"""The included or the excluded side of a segment while instructions change it."""

from collections.abc import Iterable, Iterator, Sequence

from api.launchdarkly.targeting.fields import DEFAULT_KIND
from api.launchdarkly.targeting.targeting import ContextTargets


class TargetLists:
    """Keys by context kind; the order stays, and what is untouched stays as it was.

    Kind ``user`` is the side's own list. A kind may have several entries, which JSON Patch
    can make: keys are then added to the first and removed from all. An entry that loses its
    last key goes.
    Cost: adding and removing are linear in the keys given, plus once in the list.
    """

    def __init__(self, users: Sequence[str], contexts: Sequence[ContextTargets]) -> None:
        self._users = _Keys(DEFAULT_KIND, users)
        self._contexts = [_Keys(one.context_kind, one.values) for one in contexts]

    @property
    def users(self) -> tuple[str, ...]:
        """Keys of kind ``user``."""
        return self._users.values()

    @property
    def contexts(self) -> tuple[ContextTargets, ...]:
        """Entries of the other kinds."""
        return tuple(
            ContextTargets(context_kind=keys.kind, values=keys.values())
            for keys in self._contexts
            if not keys.emptied
        )

    def add(self, kind: str, keys: Iterable[str]) -> None:
        """Add keys that no entry of the kind has."""
        entries = self._of(kind) or [_Keys(kind, ())]
        new = [key for key in keys if not any(key in one for one in entries)]
        entries[0].add(new)
        if new and kind != DEFAULT_KIND and entries[0] not in self._contexts:
            self._contexts.append(entries[0])

    def remove(self, kind: str, keys: Iterable[str]) -> None:
        """Remove keys from every entry of the kind."""
        gone = tuple(keys)
        for one in self._of(kind):
            one.remove(gone)

    def added(self) -> Iterator[tuple[str, frozenset[str]]]:
        """What the side has now and had not before, by kind."""
        for kind in dict.fromkeys([DEFAULT_KIND, *(one.kind for one in self._contexts)]):
            before, now = set[str](), set[str]()
            for one in self._of(kind):
                before |= one.before
                now |= one.now
            yield kind, frozenset(now - before)

    def count_of(self, kind: str, keys: Iterable[str]) -> int:
        """How many of some keys are here."""
        entries = self._of(kind)
        return sum(any(key in one for one in entries) for key in keys)

    def _of(self, kind: str) -> list["_Keys"]:
        apart = [one for one in self._contexts if one.kind == kind]
        return [self._users, *apart] if kind == DEFAULT_KIND else apart


class _Keys:
    """One list of keys: a dictionary once it is touched, which keeps the order."""

    def __init__(self, kind: str, keys: Sequence[str]) -> None:
        self.kind = kind
        self._initial = tuple(keys)
        self._keys: dict[str, None] | None = None
        self._changed = False

    def __contains__(self, key: str) -> bool:
        return key in self._touched()

    @property
    def before(self) -> set[str]:
        return set(self._initial) if self._changed else set()

    @property
    def now(self) -> set[str]:
        return set(self._touched()) if self._changed else set()

    @property
    def emptied(self) -> bool:
        return self._changed and not self._keys

    def add(self, keys: Iterable[str]) -> None:
        touched = self._touched()
        size = len(touched)
        touched.update(dict.fromkeys(keys))
        self._changed |= len(touched) != size

    def remove(self, keys: Iterable[str]) -> None:
        touched = self._touched()
        for key in keys:
            if key in touched:
                del touched[key]
                self._changed = True

    def values(self) -> tuple[str, ...]:
        return self._initial if not self._changed else tuple(self._touched())

    def _touched(self) -> dict[str, None]:
        if self._keys is None:
            self._keys = dict.fromkeys(self._initial)
        return self._keys
