"""Webhooks: which addresses hear of an environment's events, and the deliveries to them."""

from worker.store.webhooks.delivery_queue import DeliveryQueue
from worker.store.webhooks.records import (
    EVENT_KINDS,
    MOST_ATTEMPTS_KEPT,
    MOST_QUEUED,
    MOST_WEBHOOKS,
    Attempt,
    AttemptOutcome,
    Claimed,
    Delivery,
    Event,
    EventKind,
    SigningSecret,
    Webhook,
    WebhookHealth,
    new_signing_secret,
)
from worker.store.webhooks.webhook_store import WebhookChanges, WebhookStore

__all__ = [
    "EVENT_KINDS",
    "MOST_ATTEMPTS_KEPT",
    "MOST_QUEUED",
    "MOST_WEBHOOKS",
    "Attempt",
    "AttemptOutcome",
    "Claimed",
    "Delivery",
    "DeliveryQueue",
    "Event",
    "EventKind",
    "SigningSecret",
    "Webhook",
    "WebhookChanges",
    "WebhookHealth",
    "WebhookStore",
    "new_signing_secret",
]
