"""Records webhooks; no worker is there, so attempts are put on record as one would."""

from dataclasses import replace
from typing import Any, Final

from tests.support.documents import names
from tests.support.documents.recording import Recorder
from tests.support.store.webhooks import an_attempt
from worker.store import EnvironmentRef, Store

WEBHOOKS: Final = f"/api/v2/projects/{names.PROJECT}/environments/{names.ENVIRONMENT}/webhooks"
WEBHOOK_BODY: Final[dict[str, Any]] = {
    "url": "https://hooks.example.com/bigseg",
    "events": ["import.stopped", "import.pending_approval"],
    "name": "on call",
}
_HERE: Final = {"projectKey": names.PROJECT, "environmentKey": names.ENVIRONMENT}


def record_webhooks(recorder: Recorder, store: Store) -> None:
    """Leaves a webhook that hears of everything."""
    ask, create = recorder.ask, "createWebhook"
    everything = {"url": "https://hooks.example.com/everything"}
    all_kinds = ask(create, "of everything", path=_HERE, body=everything, status=201).json()
    made = ask(create, "of some kinds", path=_HERE, body=WEBHOOK_BODY, status=201).json()
    inside = {"url": "https://169.254.169.254/latest/meta-data"}
    ask(create, path=_HERE, body=inside, status=400)
    kept, other = ({**_HERE, "webhookId": each["id"]} for each in (all_kinds, made))
    ask("getWebhooks", "all", path=_HERE)
    ask("rotateWebhookSecret", "another secret", path=kept)
    ask("getWebhook", "its secret was replaced", path=kept)
    ask("testWebhook", "queued", path=kept, status=202)
    _attempt(store, "failed", status=503, reason="answered 503")
    _attempt(store, "delivered", status=204)
    ask("getWebhookDeliveries", "delivered at the second attempt", path=kept)
    changes = {"url": "https://hooks.example.com/new", "events": ["import.stopped"]}
    ask("patchWebhook", "another URL", path=kept, body=changes)
    ask("patchWebhook", "paused", path=other, body={"paused": True})
    ask("testWebhook", path=other, status=409)
    ask("deleteWebhook", path=other, status=204)
    ask("deleteWebhook", path=other, status=404)


def _attempt(store: Store, outcome: str, **answer: object) -> None:
    claimed = store.deliveries.claim(EnvironmentRef(names.PROJECT, names.ENVIRONMENT), 60_000)
    assert claimed is not None
    attempt = replace(an_attempt(claimed, outcome, **answer), at_ms=store.database.now_ms())
    store.deliveries.settle(claimed, attempt, pause_ms=0, again_ms=0)
