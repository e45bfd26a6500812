"""Webhooks, what is delivered to them, and how attempts at it went, as values."""

import base64
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from worker.store.keyspace import EnvironmentRef
from worker.store.records import stored

#: Each event goes to as many receivers at most.
MOST_WEBHOOKS: Final = 10
#: Deliveries that may wait for one webhook; about 2 KiB each, at most 16 KiB.
MOST_QUEUED: Final = 1_000
#: Attempts that one webhook's log keeps; about 200 bytes each.
MOST_ATTEMPTS_KEPT: Final = 100

EventKind = Literal[
    "import.complete",
    "import.stopped",
    "import.pending_approval",
    "export.complete",
    "export.stopped",
    "schedule.failed",
    "test",
]
EVENT_KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)

AttemptOutcome = Literal["delivered", "failed", "lost"]

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with


@stored
@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret that signs deliveries, in the form that receivers' libraries take."""

    text: str = field(repr=False)
    ends_ms: int | None = None
    """When it signs no more, Unix ms; ``None`` of the newest one."""

    @property
    def key(self) -> bytes:
        """The bytes that sign."""
        return base64.b64decode(self.text.removeprefix(_SECRET_PREFIX))


@stored
@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that hears of an environment's events."""

    id: str
    url: str = field(repr=False)
    """It may hold a token of the receiver's, so it is in no log."""
    events: tuple[EventKind, ...]
    """Which; empty means all."""
    secrets: tuple[SigningSecret, ...]
    """Newest first; each delivery is signed with all that have not ended."""
    created_ms: int
    created_by: str = ""
    name: str = ""
    paused: bool = False
    """Nothing is queued for it, and what waits stays."""


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """How deliveries to a webhook have gone of late."""

    queued: int
    failures: int = 0
    """Attempts in a row that failed, up to now."""
    failing_since_ms: int | None = None
    """When the first of them ended."""
    delivered_ms: int | None = None
    """When a delivery last succeeded."""
    lost: int = 0
    """Deliveries that were given up after a day."""
    dropped: int = 0
    """Events that found the queue full."""

    def fails_since(self, moment_ms: int) -> bool:
        """Whether every attempt has failed since a moment, or longer."""
        return self.failing_since_ms is not None and self.failing_since_ms <= moment_ms


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it is delivered."""

    id: str
    """The same whenever it is announced again, so that receivers can tell."""
    kind: EventKind
    created_ms: int
    body: str = field(repr=False)
    """JSON, at most 16 KiB."""


@stored
@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that waits to be delivered to one webhook."""

    id: str
    kind: EventKind
    created_ms: int
    body: str = field(repr=False)
    attempts: int = 0
    """How many were made."""


@stored
@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a delivery."""

    at_ms: int
    event_id: str
    kind: EventKind
    number: int
    outcome: AttemptOutcome
    duration_ms: int
    status: int | None = None
    """The receiver's HTTP status, if it gave one."""
    reason: str | None = None
    """Why it failed; holds nothing that the receiver said but the status."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process attempts now, under a lease."""

    env: EnvironmentRef
    webhook: Webhook
    delivery: Delivery
    token: str
    retrying: bool = False
    """Whether the last attempt at a delivery to this webhook has failed."""


def new_signing_secret(name: str) -> SigningSecret:
    """Make a secret of 32 bytes from two random names of 32 hexadecimal digits."""
    return SigningSecret(_SECRET_PREFIX + base64.b64encode(bytes.fromhex(name)).decode())
