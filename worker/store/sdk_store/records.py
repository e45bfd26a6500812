"""What is recorded about the sets that SDKs read, as values."""

import re
from dataclasses import dataclass
from typing import Final

from worker.store.keyspace import EnvironmentRef
from worker.store.records import stored

DEFAULT_PREFIX: Final = "launchdarkly"
#: What the keys that SDKs read may begin with.
PREFIX_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@stored
@dataclass(frozen=True, slots=True)
class SdkStoreSettings:
    """Whether an environment's lists are kept for SDKs, and under which prefix."""

    on: bool = False
    prefix: str = DEFAULT_PREFIX


@stored
@dataclass(frozen=True, slots=True)
class FollowedList:
    """How far the sets have followed one generation of a list."""

    revision: str
    """The revision that the sets hold or are being filled with, as the list's record has it."""
    after: str
    """Entries of the list's feed up to this one are in the sets, once they are filled."""
    holder: str
    """Who has pinned the revision."""
    held: bool = False
    """Whether the sets have held the whole list once."""
    whole: bool = False
    """Whether the sets have to be compared with the whole list."""
    gone: bool = False
    """Whether the list was deleted, so that the sets are to be rid of it."""


@stored
@dataclass(frozen=True, slots=True)
class SdkStoreState:
    """How the sets of one environment are, as the worker that keeps them wrote it last."""

    checked_ms: int
    """When it was written, Unix ms."""
    caught_up_ms: int | None = None
    """When the sets last were what the lists were, Unix ms; ``None``: never yet."""
    synchronized_ms: int | None = None
    """The last time that SDKs were told, Unix ms."""
    lists: int = 0
    held: int = 0
    behind: int = 0
    """Lists that are being filled or compared."""
    contexts_written: int = 0
    """Additions and removals since the environment was switched on."""
    rebuilds: int = 0
    """How often all lists were filled anew, because the sets were lost or never there."""
    reason: str | None = None
    """Why the sets cannot be kept now."""


@dataclass(frozen=True, slots=True)
class SdkStoreClaim:
    """What a worker finds that is now the only one to keep an environment's sets."""

    env: EnvironmentRef
    settings: SdkStoreSettings
    canary: str | None
    """The name that the sets must bear; ``None`` if there was none yet."""
    writes: int
    """Calls that had changed the sets when the state was written last."""
    state: SdkStoreState | None
    lists: dict[str, FollowedList]
    """By ``segment.gN``."""


@dataclass(frozen=True, slots=True)
class SdkStoreFigures:
    """How the sets of all environments that are on are, together."""

    environments: int = 0
    failing: int = 0
    """Environments whose sets cannot be kept now."""
    lists: int = 0
    held: int = 0
    behind: int = 0
    lag_ms: int = 0
    """How long ago the sets that are farthest behind were last what their lists are; at most as
    long as a worker has known them."""
    reason: str | None = None
    """Why one of those that fail does."""
