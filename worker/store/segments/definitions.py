"""The definition of a segment as a value, and as the JSON that is stored.

Targets and rules are stored apart from the rest, followed by a line of scheduled removals of
targets: both lines change in one step, and a reader of one need not parse the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from worker.store.errors import ListUnknown
from worker.store.keyspace import EnvironmentRef, ListRef, Side
from worker.store.records import RecordCodec, stored


@stored
@dataclass(frozen=True, slots=True)
class Segment:
    """The definition of one segment, without its targets and rules."""

    env: EnvironmentRef
    key: str
    name: str
    generation: int
    """How often a segment of this key has been created."""
    created_ms: int
    modified_ms: int
    """When the definition was last changed; edits and imports of lists do not count."""
    version: int = 1
    """How often the definition was written."""
    description: str | None = None
    tags: tuple[str, ...] = ()
    unbounded: bool = False
    context_kind: str = "user"
    salt: str = field(default="", repr=False)
    expires_ms: int | None = None
    """When the first of its targets is removed; for a big segment, its list holds that."""
    targeted: bool = False
    """Whether it has targets or rules; they are stored apart and may be lost on their own."""

    @property
    def ref(self) -> ListRef:
        """The lists of this generation."""
        return ListRef(self.env.project, self.env.environment, self.key, self.generation)


@dataclass(frozen=True, slots=True)
class NewSegment:
    """The content of a new segment."""

    key: str
    name: str
    description: str | None = None
    tags: tuple[str, ...] = ()
    unbounded: bool = False
    context_kind: str = "user"


@stored
@dataclass(frozen=True, slots=True)
class TargetSchedule:
    """The scheduled removal of one target of a standard segment."""

    id: str
    version: int
    """1, and one more with each update."""
    side: Side
    context_kind: str
    key: str
    due_ms: int

    @property
    def target(self) -> tuple[Side, str, str]:
        """The target; it has one schedule at most."""
        return self.side, self.context_kind, self.key


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment with its targets and rules, as of one moment."""

    segment: Segment
    targeting: bytes | None
    """JSON, as it was given to :meth:`SegmentStore.update`; ``None`` when nothing is targeted."""
    schedules: bytes | None = None
    """JSON; :func:`decode_schedules` reads it."""

    @property
    def is_lost(self) -> bool:
        """Whether the server has lost its targets, so that its members are unknown."""
        return self.segment.targeted and self.targeting is None

    def require_whole(self) -> None:
        """Check that its targets are not lost.

        Raises:
            ListUnknown: they are.
        """
        if self.is_lost:
            key = self.segment.key
            message = f"the targets of segment {key} are lost; restore the server, or delete it"
            raise ListUnknown(message)


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """Everything in a definition that can change; the rest is fixed at its creation."""

    name: str
    description: str | None
    tags: tuple[str, ...]
    targeting: str | None
    """JSON that the store keeps as it is; ``None`` when nothing is targeted. It reads the
    four lists of targets when one of them expires, and nothing else; see ``KEYSPACE.md``."""
    schedules: tuple[TargetSchedule, ...] = ()
    """All removals to come, each of a target that is in ``targeting``."""


_SEGMENTS: Final = RecordCodec(Segment, outside=["env"])
_SCHEDULES: Final = RecordCodec(tuple[TargetSchedule, ...])
_LINE: Final = b"\n"


def encode_segment(segment: Segment) -> bytes:
    """The stored form; the environment is in the key."""
    return _SEGMENTS.encode(segment)


def decode_segment(env: EnvironmentRef, key: str, text: bytes) -> Segment:
    """Read the stored form. Cost: about 4 µs.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    name = f"segment {key} in {env.project}:{env.environment}"
    return _SEGMENTS.decode(text, name, env=env)


def decode_definition(segment: Segment, text: bytes | None) -> Definition:
    """Combine a segment with the stored text of its targets. Cost: no parsing."""
    if text is None or not segment.targeted:  # a text would be of an earlier segment of this key
        return Definition(segment, None)
    targeting, _, schedules = text.partition(_LINE)
    return Definition(segment, targeting, schedules or None)


def encode_targets(change: DefinitionChange) -> bytes:
    """The stored text of targets and schedules; empty when nothing is targeted."""
    if change.targeting is None:
        return b""
    targeting = change.targeting.encode()
    if not change.schedules:
        return targeting
    return targeting + _LINE + _SCHEDULES.encode(change.schedules)


def decode_schedules(definition: Definition) -> tuple[TargetSchedule, ...]:
    """The scheduled removals of a segment's targets.

    Raises:
        UnreadableRecord: they are damaged, or another release wrote them.
    """
    if definition.schedules is None:
        return ()
    name = f"the schedules of segment {definition.segment.key}"
    return _SCHEDULES.decode(definition.schedules, name)


def earliest_ms(schedules: Iterable[TargetSchedule]) -> int | None:
    """When the first of the targets expires."""
    return min((schedule.due_ms for schedule in schedules), default=None)
