"""Webhooks and events as tests of the store and of workers make them."""

from worker.store import EnvironmentRef, Store
from worker.store.webhooks import Attempt, Claimed, Event, Webhook

URL = "https://example.com/hook"


def new_webhook(store: Store, env: EnvironmentRef, url: str = URL) -> Webhook:
    """Create a webhook that asks for every kind of event."""
    return store.webhooks.create(env, url, created_by="t")


def an_event(number: int = 1, *, created_ms: int | None = None) -> Event:
    """Make an event of a kind that no job announces by itself."""
    at_ms = 1_000 if created_ms is None else created_ms
    return Event(f"schedule-failed-{number}", "schedule.failed", at_ms, f'{{"n":{number}}}')


def an_attempt(claimed: Claimed, outcome: str = "delivered", **fields: object) -> Attempt:
    """Make the attempt that ends a claim."""
    delivery = claimed.delivery
    return Attempt(
        at_ms=2_000,
        event_id=delivery.id,
        kind=delivery.kind,
        number=delivery.attempts + 1,
        outcome=outcome,  # type: ignore[arg-type]
        duration_ms=5,
        **fields,  # type: ignore[arg-type]
    )


def fail_once(store: Store, env: EnvironmentRef, wait_ms: int = 60_000) -> None:
    """Claim a delivery and settle it as failed; its webhook rests for a minute."""
    claimed = store.deliveries.claim(env, 60_000)
    assert claimed is not None
    waits = {"pause_ms": wait_ms, "again_ms": wait_ms, "rest_ms": 60_000}
    assert store.deliveries.settle(claimed, an_attempt(claimed, "failed"), **waits)
