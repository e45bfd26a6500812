"""Webhooks on the wire; LaunchDarkly's own are of an account and know no segments."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from api.bodies.models import Int32, Int64, StrictBody, WireModel
from api.launchdarkly.wire.links import Links, environments_path, link
from worker.store import (
    EnvironmentRef,
    EventKind,
    Webhook,
    WebhookAttempt,
    WebhookAttemptOutcome,
    WebhookChanges,
    WebhookHealth,
)

#: Characters of a webhook's name.
_LONGEST: Final = 128
_DAY_MS: Final = 86_400_000

EventKinds = list[EventKind]


Url = Annotated[str, Field(min_length=1, max_length=2_048, json_schema_extra={"format": "uri"})]
Events = Annotated[EventKinds, Field(max_length=20)]
Name = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewWebhookBody(StrictBody):
    """A new webhook."""

    url: Url
    """Where events are sent to, by HTTPS."""
    events: Events = Field(default_factory=list)
    """Which; empty means all, also of kinds that are yet to come."""
    name: Name = ""


class WebhookPatch(StrictBody):
    """The fields that change; a field that is left out or null stays as it is."""

    url: Url | None = None
    """What waits goes there, too, at once."""
    events: Events | None = None
    """Which from now on; empty means all."""
    name: Name | None = None
    paused: Annotated[bool | None, Field(strict=True)] = None
    """While it is true, no event is queued and nothing is sent; what waits stays."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one field that is to be changed")
        return self

    @property
    def changes(self) -> WebhookChanges:
        """The fields of the record that change, with their new values."""
        changes = WebhookChanges()
        if self.url is not None:
            changes["url"] = self.url
        if self.events is not None:
            changes["events"] = tuple(dict.fromkeys(self.events))
        if self.name is not None:
            changes["name"] = self.name
        if self.paused is not None:
            changes["paused"] = self.paused
        return changes


class WebhookRepresentation(WireModel):
    """A webhook, and how deliveries to it have gone of late."""

    id: str
    name: str
    url: str
    events: EventKinds
    paused: bool
    creation_time: Int64
    created_by: str
    """Id of the access token that created it."""
    status: Literal["ok", "retrying", "failing"]
    """`retrying` since an attempt failed, `failing` once all have failed for a day. It is tried
    in either, unless it is paused."""
    failing_since: Int64 | None = None
    delivery_time: Int64 | None = None
    """When a delivery last succeeded."""
    queued: Int32
    """Deliveries that wait."""
    lost: Int64
    """Deliveries that were given up after a day."""
    dropped: Int64
    """Events that found too many deliveries waiting."""
    previous_secret_ends: Int64 | None = None
    """Until when the secret before this one signs, too."""
    secret: str | None = None
    """Only in the answer that creates the webhook, or gives it another secret."""
    links: Links = Field(alias="_links")


class WebhookCollection(WireModel):
    """All webhooks of an environment."""

    items: list[WebhookRepresentation]
    total_count: Int32
    links: Links = Field(alias="_links")


class WebhookTest(WireModel):
    """A test event that is queued."""

    event_id: str
    """By which its attempts are found among the deliveries."""
    links: Links = Field(alias="_links")


class DeliveryRepresentation(WireModel):
    """One attempt at a delivery."""

    time: Int64
    event_id: str
    """The `webhook-id` that the receiver gets: the same in all attempts."""
    event: EventKind
    attempt: Int32
    """From 1."""
    outcome: WebhookAttemptOutcome
    """`failed` is tried again, `lost` is not."""
    status_code: Int32 | None = None
    """The receiver's, if it gave one."""
    duration_ms: Int64
    reason: str | None = None
    """Why it failed."""


class DeliveryCollection(WireModel):
    """The last attempts at deliveries to a webhook, newest first."""

    items: list[DeliveryRepresentation]
    queued: Int32
    links: Links = Field(alias="_links")


def webhooks_path(env: EnvironmentRef) -> str:
    """The webhooks of an environment."""
    return f"{environments_path(env.project)}/{env.environment}/webhooks"


def represent_webhook(
    env: EnvironmentRef,
    webhook: Webhook,
    health: WebhookHealth,
    now_ms: int,
    *,
    with_secret: bool = False,
) -> WebhookRepresentation:
    """Represent a webhook, with its secret if it has just been made."""
    collection, since_ms = webhooks_path(env), health.failing_since_ms
    own = f"{collection}/{webhook.id}"
    failing = health.fails_since(now_ms - _DAY_MS)
    previous = webhook.secrets[1] if len(webhook.secrets) > 1 else None
    ends_ms = previous.ends_ms if previous is not None else None
    return WebhookRepresentation(
        id=webhook.id,
        name=webhook.name,
        url=webhook.url,
        events=list(webhook.events),
        paused=webhook.paused,
        creation_time=webhook.created_ms,
        created_by=webhook.created_by,
        status="ok" if since_ms is None else "failing" if failing else "retrying",
        failing_since=since_ms,
        delivery_time=health.delivered_ms,
        queued=health.queued,
        lost=health.lost,
        dropped=health.dropped,
        previous_secret_ends=ends_ms if ends_ms is not None and ends_ms > now_ms else None,
        secret=webhook.secrets[0].text if with_secret else None,
        links={
            "self": link(own),
            "parent": link(collection),
            "deliveries": link(f"{own}/deliveries"),
        },
    )


def represent_attempt(attempt: WebhookAttempt) -> DeliveryRepresentation:
    """Represent an attempt."""
    return DeliveryRepresentation(
        time=attempt.at_ms,
        event_id=attempt.event_id,
        event=attempt.kind,
        attempt=attempt.number,
        outcome=attempt.outcome,
        status_code=attempt.status,
        duration_ms=attempt.duration_ms,
        reason=attempt.reason,
    )
