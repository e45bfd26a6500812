"""The definition of a segment as a value, and as the JSON that is stored."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from worker.store.errors import ListUnknown, StoreUnavailable
from worker.store.keyspace import ListRef, Scope
from worker.store.segments.target_schedules import TargetSchedule


@dataclass(frozen=True, slots=True)
class Segment:
    """The definition of one segment, without whom it targets."""

    scope: Scope
    key: str
    name: str
    generation: int
    """How many times this key has been created."""
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
    """When the first of its targets is to be removed; of a big segment its list knows."""
    targeted: bool = False
    """Whether it has targets or rules; they are stored apart, and might be lost alone."""

    @property
    def ref(self) -> ListRef:
        """The lists of this generation."""
        return ListRef(self.scope.project, self.scope.environment, self.key, self.generation)


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What a caller says of a segment to be created."""

    key: str
    name: str
    description: str | None = None
    tags: tuple[str, ...] = ()
    unbounded: bool = False
    context_kind: str = "user"


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment together with whom it targets, as of one moment."""

    segment: Segment
    targeting: bytes | None
    """JSON, as it was given to :meth:`SegmentStore.update`; ``None`` when nothing is targeted."""
    schedules: bytes | None = None
    """Which targets expire; ``decode_schedules`` reads it."""

    @property
    def is_lost(self) -> bool:
        """Whether the server has lost whom it targets: then it cannot be told who is a member."""
        return self.segment.targeted and self.targeting is None

    def require_whole(self) -> None:
        """Make sure that it is known whom it targets.

        Raises:
            ListUnknown: the server has lost it.
        """
        if self.is_lost:
            key = self.segment.key
            message = f"the targets of segment {key} are lost; restore the server, or delete it"
            raise ListUnknown(message)


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """All of a definition that can change; the rest is fixed at its creation."""

    name: str
    description: str | None
    tags: tuple[str, ...]
    targeting: str | None
    """JSON that the store keeps as it is; ``None`` when nothing is targeted. It reads the
    four lists of targets when one of them expires, and nothing else; see ``KEYSPACE.md``."""
    schedules: tuple[TargetSchedule, ...] = ()
    """All removals to come, each of a target that is in ``targeting``."""


def encode(segment: Segment) -> str:
    """The stored form; the scope is in the key."""
    fields = dataclasses.asdict(segment)
    del fields["scope"]
    return json.dumps(fields, separators=(",", ":"))


def decode(scope: Scope, text: bytes) -> Segment:
    """Read the stored form. Cost: about 10 µs.

    Raises:
        StoreUnavailable: it was written by another release.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        fields["tags"] = tuple(fields["tags"])
        return Segment(scope=scope, **fields)
    except (ValueError, TypeError, KeyError) as exc:
        message = f"a definition in {scope.environment} is not readable by this release"
        raise StoreUnavailable(message) from exc
