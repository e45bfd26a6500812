"""An entry of the audit log, who changed what, as a value and as the JSON that is stored.

An entry never holds a context key: callers record numbers of keys. Its size is bounded: texts
and lists that are too long are cut, and the entry is marked as truncated.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec, stored
from worker.store.segments.definitions import Segment

Kind = Literal["segment", "project", "environment", "token"]
Summary = Mapping[str, Any]

#: Bytes of one entry as it is stored.
ENTRY_BYTES: Final = 4_096

#: Characters of a text and items of a list, tried one after the other until an entry fits.
_CUTS: Final = ((1_000, 50), (250, 20), (40, 5))
#: The fields that may be cut. The others are bounded by their form, and matching, links and
#: limits need them whole.
_CUT: Final = ("actor", "name", "comment", "before", "after")
_KEY: Final = r"[A-Za-z0-9._-]{1,256}"
_NUMBER: Final = r"0|[1-9][0-9]{0,18}"
_ID: Final = re.compile(rf"(?:({_KEY}):({_KEY}):)?({_NUMBER})-({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a change."""

    name: str
    token_id: str = ""
    """Id of the access token; empty for none."""


#: bigseg itself, for changes that the clock causes and no caller makes.
OURSELVES: Final = Actor("bigseg")


@stored
@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change."""

    actor: str
    token_id: str
    actions: tuple[str, ...]
    """What was done, such as ``updateName``: at least one."""
    kind: Kind
    resource: str
    """Such as ``proj/default:env/production:segment/beta``."""
    name: str
    """The resource's display name."""
    verb: str
    """Such as ``created the segment``: actor, verb and name make a sentence."""
    comment: str | None = None
    before: Summary | None = None
    after: Summary | None = None
    truncated: bool = False
    """Set where it is stored: whether texts or lists were too long and are cut."""


_CODEC: Final = RecordCodec(Change)


@dataclass(frozen=True, slots=True)
class Position:
    """The place of an entry in the order of all entries; its text form is the entry's id."""

    at_ms: int
    sequence: int
    env: EnvironmentRef | None
    """The environment whose log holds it; ``None``: the account's."""

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Greater for what is newer; no two entries share it."""
        log = ("", "") if self.env is None else (self.env.project, self.env.environment)
        return (self.at_ms, self.sequence, *log)

    def __str__(self) -> str:
        """The entry's id: ``project:environment:ms-n``, ``ms-n`` in the account's log."""
        stream_id = f"{self.at_ms}-{self.sequence}"
        if self.env is None:
            return stream_id
        return f"{self.env.project}:{self.env.environment}:{stream_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id.

        Raises:
            ValueError: no entry can have it.
        """
        found = _ID.fullmatch(text)
        if found is None:
            raise ValueError("not an id of an entry")
        project, environment, at_ms, sequence = found.groups()
        env = None if project is None else EnvironmentRef(project, environment)
        return cls(int(at_ms), int(sequence), env)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change in the log."""

    position: Position
    """Which log holds it, and when it was made by the store's clock."""
    change: Change

    @property
    def id(self) -> str:
        """The id under which callers find the entry."""
        return str(self.position)


def segment_resource(env: EnvironmentRef, key: str) -> str:
    """The name of a segment in entries."""
    return f"{environment_resource(env)}:segment/{key}"


def environment_resource(env: EnvironmentRef) -> str:
    """The name of an environment in entries."""
    return f"{project_resource(env.project)}:env/{env.environment}"


def project_resource(key: str) -> str:
    """The name of a project in entries."""
    return f"proj/{key}"


def segment_change(
    actor: Actor,
    segment: Segment,
    *,
    action: str | Sequence[str],
    verb: str,
    comment: str | None = None,
    before: Summary | None = None,
    after: Summary | None = None,
) -> Change:
    """A change of a segment, ready for :meth:`AuditStore.record`; see :class:`Change`."""
    return Change(
        actor=actor.name,
        token_id=actor.token_id,
        actions=(action,) if isinstance(action, str) else tuple(action),
        kind="segment",
        resource=segment_resource(segment.env, segment.key),
        name=segment.name,
        verb=verb,
        comment=comment,
        before=before,
        after=after,
    )


def project_segment_resource(project: str, slug: str) -> str:
    """Name a segment that belongs to a project and to no environment."""
    return f"{project_resource(project)}:segment/{slug}"


def encode(change: Change) -> bytes:
    """The stored form, at most ``ENTRY_BYTES`` for names that the API takes."""
    for characters, items in _CUTS:
        text = _CODEC.encode(_cut(change, _Cutter(characters, items)))
        if len(text) <= ENTRY_BYTES:
            return text
    bare = dataclasses.replace(change, before=None, after=None, truncated=True)
    return _CODEC.encode(_cut(bare, _Cutter(*_CUTS[-1])))


def decode(position: Position, text: bytes) -> AuditEntry:
    """Read the stored form.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    return AuditEntry(position, _CODEC.decode(text, f"entry {position} of the audit log"))


def _cut(change: Change, cutter: "_Cutter") -> Change:
    cut = {name: cutter.cut(getattr(change, name)) for name in _CUT}
    return dataclasses.replace(change, **cut, truncated=change.truncated or cutter.used)


@dataclass(slots=True)
class _Cutter:
    characters: int
    items: int
    used: bool = False

    def cut(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            # Half a surrogate pair is valid JSON, but no text that could be sent again.
            return self._text(value.encode(errors="replace").decode())
        if isinstance(value, Mapping):
            return dict(self._list([(name, self.cut(its)) for name, its in value.items()]))
        if isinstance(value, list | tuple):
            return [self.cut(item) for item in self._list(value)]
        return value

    def _text(self, text: str) -> str:
        if len(text) <= self.characters:
            return text
        self.used = True
        return text[: self.characters] + "…"

    def _list(self, items: Sequence[Any]) -> Sequence[Any]:
        if len(items) > self.items:
            self.used = True
        return items[: self.items]
