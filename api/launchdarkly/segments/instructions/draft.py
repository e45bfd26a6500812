"""A segment while instructions are changing it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from pydantic import ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import exact_text
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.list_edits import EditLog
from api.launchdarkly.targeting.fields import DEFAULT_KIND
from api.launchdarkly.targeting.values import ContextTargets, Rule, SegmentDocument

#: Rules, clauses and values that the instructions of one request may scan.
MOST_STEPS: Final = 5_000_000


class TargetLists:
    """One side's keys by context kind; order and untouched entries are preserved.

    Kind ``user`` is the side's own list. A kind may have several entries, which JSON Patch
    can make: keys are then added to the first and removed from all. An entry that loses its
    last key is dropped.
    Cost: adding and removing are linear in the keys given, plus once in the list.
    """

    def __init__(self, users: Sequence[str], contexts: Sequence[ContextTargets]) -> None:
        self._users = _Keys(DEFAULT_KIND, users)
        self._contexts = [_Keys(entry.context_kind, entry.values) for entry in contexts]

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
        new = [key for key in keys if not any(key in entry for entry in entries)]
        entries[0].add(new)
        if new and kind != DEFAULT_KIND and entries[0] not in self._contexts:
            self._contexts.append(entries[0])

    def remove(self, kind: str, keys: Iterable[str]) -> None:
        """Remove keys from every entry of the kind."""
        removed = tuple(keys)
        for entry in self._of(kind):
            entry.remove(removed)

    def added(self) -> Iterator[tuple[str, frozenset[str]]]:
        """The keys that the side has now and did not have before, by kind."""
        for kind in dict.fromkeys([DEFAULT_KIND, *(entry.kind for entry in self._contexts)]):
            before, now = set[str](), set[str]()
            for entry in self._of(kind):
                before |= entry.before
                now |= entry.now
            yield kind, frozenset(now - before)

    def count(self, kind: str, keys: Iterable[str]) -> int:
        """Count the keys that are on this side."""
        entries = self._of(kind)
        return sum(any(key in entry for entry in entries) for key in keys)

    def _of(self, kind: str) -> list["_Keys"]:
        entries = [entry for entry in self._contexts if entry.kind == kind]
        return [self._users, *entries] if kind == DEFAULT_KIND else entries


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


@dataclass(slots=True)
class Draft:
    """The parts of a segment that instructions change, one after the other."""

    name: str
    description: str | None
    tags: list[str]
    included: TargetLists
    excluded: TargetLists
    rules: list[Rule]
    edits: EditLog = field(default_factory=EditLog)
    import_id: str | None = None
    steps_left: int = MOST_STEPS
    _texts: dict[int, tuple[object, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: SegmentDocument) -> Self:
        """A draft that equals a document."""
        return cls(
            name=document.name,
            description=document.description,
            tags=list(document.tags),
            included=TargetLists(document.included, document.included_contexts),
            excluded=TargetLists(document.excluded, document.excluded_contexts),
            rules=list(document.rules),
        )

    def spend(self, steps: int) -> None:
        """Count the values that an instruction scans.

        Raises:
            InvalidRequest: the request's instructions have scanned too many.
        """
        self.steps_left -= steps
        if self.steps_left < 0:
            raise InvalidRequest("too much work for one request; send several")

    def exact(self, value: object) -> object:
        """A key that two values share only if they are the same JSON, with the same types.

        Cost: linear in a value that holds others, the first time.
        """
        if not isinstance(value, list | dict):
            return type(value), value
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = value, exact_text(value)
        return known[1]

    def find_rule(self, rule_id: str) -> int:
        """Find a rule.

        Raises:
            InvalidRequest: no rule has this id.
        """
        self.spend(len(self.rules))
        for index, rule in enumerate(self.rules):
            if rule.id == rule_id:
                return index
        raise InvalidRequest(f"the segment has no rule {rule_id[:80]!r}")

    def document(self) -> SegmentDocument:
        """The segment after the instructions.

        Raises:
            InvalidRequest: the instructions together make a key both included and
                excluded, or make more targets than a segment takes.
        """
        self._require_no_clash()
        try:
            return SegmentDocument(
                name=self.name,
                description=self.description,
                tags=tuple(self.tags),
                included=self.included.users,
                excluded=self.excluded.users,
                included_contexts=self.included.contexts,
                excluded_contexts=self.excluded.contexts,
                rules=tuple(self.rules),
            )
        except ValidationError as exc:
            raise refusal(exc) from exc

    def _require_no_clash(self) -> None:
        """Only added keys can clash; a key that was in both lists before may stay."""
        for mine, other in ((self.included, self.excluded), (self.excluded, self.included)):
            for kind, keys in mine.added():
                count = other.count(kind, keys)
                if count:
                    message = f"instructions: {_keys(count)} of kind {kind} would be both"
                    raise InvalidRequest(f"{message} included and excluded; remove one first")


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count:,} keys"
