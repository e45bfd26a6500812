"""Records webhooks; no worker is there to deliver anything to them."""

from typing import Any, Final

from tests.support.documents import names
from tests.support.documents.recording import Recorder

WEBHOOKS: Final = f"/api/v2/projects/{names.PROJECT}/environments/{names.ENVIRONMENT}/webhooks"
WEBHOOK_BODY: Final[dict[str, Any]] = {
    "url": "https://hooks.example.com/bigseg",
    "events": ["import.stopped", "import.pending_approval"],
    "name": "on call",
}
_HERE: Final = {"projectKey": names.PROJECT, "environmentKey": names.ENVIRONMENT}


def record_webhooks(recorder: Recorder) -> None:
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
    ask("getWebhookDeliveries", "none yet", path=kept)
    ask("deleteWebhook", path=other, status=204)
    ask("deleteWebhook", path=other, status=404)
