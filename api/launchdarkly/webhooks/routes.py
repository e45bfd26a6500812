"""Webhooks of an environment: for admins of all of it, because they hear of every segment."""

from typing import Annotated, Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Path, Response

from api.access.auth import Caller
from api.audit import audit_in_environment
from api.bodies.models import json_response
from api.errors import Conflict, InvalidRequest, NotFound
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.webhooks.models import (
    DeliveryCollection,
    NewWebhookBody,
    WebhookCollection,
    WebhookPatch,
    WebhookRepresentation,
    WebhookTest,
    represent_attempt,
    represent_webhook,
    webhooks_path,
)
from api.launchdarkly.wire.links import PREFIX, link
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import FULL_ADMIN, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.receiver_addresses import ReceiverRefused, ReceiverUrl
from worker.store import (
    EnvironmentRef,
    Summary,
    Webhook,
    announce_test,
)

router = APIRouter(
    prefix=f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}/webhooks",
    tags=["Webhooks"],
)

_NO_WEBHOOK: Final[Refusals] = {
    NotFound: "The project, the environment or the webhook does not exist."
}
WebhookId = Annotated[
    str, Path(description="The webhook's id.", json_schema_extra={"pattern": "^[0-9a-f]{32}$"})
]

_log = structlog.get_logger(__name__)


@router.post(
    "",
    operation_id="createWebhook",
    status_code=201,
    response_model=WebhookRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_ENVIRONMENT,
        InvalidRequest: "The body is wrong, the URL leads inside, or there are too many webhooks.",
    },
)
def create_webhook(
    body: NewWebhookBody, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create a webhook; only this answer contains its secret.

    Each event is sent to it by POST at least once, in no order, signed as Standard Webhooks says.
    """
    _require_outside(services, body.url)
    store = services.store()
    store.environments.require(env)
    made = store.webhooks.create(
        env,
        body.url,
        events=tuple(dict.fromkeys(body.events)),
        name=body.name,
        created_by=caller.token_id,
    )
    _log.info("webhook.created", webhook=made.id, by=caller.token_id)
    _record(services, caller, env, "create", "created a webhook of", after=_summarise(made))
    return _respond(services, env, made, 201, with_secret=True)


@router.get("", operation_id="getWebhooks", response_model=WebhookCollection)
@operation(needs=FULL_ADMIN, refuses=NO_ENVIRONMENT)
def list_webhooks(env: EnvironmentRefOf, services: ServicesOf) -> Response:
    """List the webhooks of an environment, oldest first, and how each is."""
    store, now_ms = services.store(), services.clock()
    store.environments.require(env)
    items = [
        represent_webhook(env, each, store.webhooks.health(env, each.id), now_ms)
        for each in store.webhooks.read_all(env)
    ]
    links = {"self": link(webhooks_path(env))}
    return json_response(WebhookCollection(items=items, total_count=len(items), links=links))


@router.get("/{webhookId}", operation_id="getWebhook", response_model=WebhookRepresentation)
@operation(needs=FULL_ADMIN, refuses=_NO_WEBHOOK)
def get_webhook(
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Get a webhook, and how it is."""
    return _respond(services, env, _find(services, env, webhookId))


@router.patch(
    "/{webhookId}",
    operation_id="patchWebhook",
    response_model=WebhookRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **_NO_WEBHOOK,
        InvalidRequest: "The body is wrong, or the URL leads inside.",
        Conflict: "The webhook keeps changing; try again.",
    },
)
def patch_webhook(
    body: WebhookPatch,
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Change, pause or resume a webhook; its id and its secret stay.

    One that gets another URL, or is resumed, is tried at once, as one that has not failed.
    """
    if body.url is not None:
        _require_outside(services, body.url)
    store = services.store()
    store.environments.require(env)
    before, after = store.webhooks.change(env, webhookId, **body.changes)
    if after != before:
        _log.info("webhook.changed", webhook=webhookId, by=caller.token_id)
        summaries = {"before": _summarise(before), "after": _summarise(after)}
        _record(services, caller, env, "update", "changed a webhook of", **summaries)
    return _respond(services, env, after)


@router.delete(
    "/{webhookId}", operation_id="deleteWebhook", status_code=204, dependencies=[RequireNoBody]
)
@operation(needs=FULL_ADMIN, refuses=_NO_WEBHOOK)
def delete_webhook(
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Delete a webhook with all that waits for it; an attempt under way may still arrive."""
    before = _find(services, env, webhookId)
    services.store().webhooks.delete(env, webhookId)
    _log.info("webhook.deleted", webhook=webhookId, by=caller.token_id)
    _record(services, caller, env, "delete", "deleted a webhook of", before=_summarise(before))
    return Response(status_code=204)


@router.post(
    "/{webhookId}/test",
    operation_id="testWebhook",
    status_code=202,
    response_model=WebhookTest,
    dependencies=[RequireNoBody],
)
@operation(
    needs=FULL_ADMIN,
    refuses={**_NO_WEBHOOK, Conflict: "It is paused, or too many deliveries wait for it."},
)
def send_test(
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Send a webhook an event that means nothing; its deliveries say what came of it.

    It is sent at once, before what waits, also to a webhook that rests after a failure.
    """
    store = services.store()
    if _find(services, env, webhookId).paused:
        raise Conflict(f"webhook {webhookId} is paused; resume it first")
    event = announce_test(store, env, webhookId)
    if event is None:
        raise Conflict(f"too many deliveries wait for webhook {webhookId}; see why they fail")
    links = {"deliveries": link(f"{webhooks_path(env)}/{webhookId}/deliveries")}
    return json_response(WebhookTest(event_id=event.id, links=links), 202)


@router.post(
    "/{webhookId}/secret",
    operation_id="rotateWebhookSecret",
    response_model=WebhookRepresentation,
    dependencies=[RequireNoBody],
)
@operation(
    needs=FULL_ADMIN,
    refuses={**_NO_WEBHOOK, Conflict: "The webhook keeps changing; try again."},
)
def rotate_secret(
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Give a webhook another secret; only this answer contains it.

    For a day more each delivery is signed with the one before as well.
    """
    before = _find(services, env, webhookId)
    changed = services.store().webhooks.rotate(env, webhookId)
    _log.info("webhook.rotated", webhook=webhookId, by=caller.token_id)
    summary = _summarise(before)
    verb = "replaced the secret of a webhook of"
    _record(services, caller, env, "update", verb, before=summary, after=summary)
    return _respond(services, env, changed, with_secret=True)


@router.get(
    "/{webhookId}/deliveries",
    operation_id="getWebhookDeliveries",
    response_model=DeliveryCollection,
)
@operation(needs=FULL_ADMIN, refuses=_NO_WEBHOOK)
def list_deliveries(
    env: EnvironmentRefOf,
    webhookId: WebhookId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """List the last hundred attempts at deliveries to a webhook, newest first."""
    _find(services, env, webhookId)
    webhooks = services.store().webhooks
    own = f"{webhooks_path(env)}/{webhookId}"
    found = DeliveryCollection(
        items=[represent_attempt(each) for each in webhooks.attempts(env, webhookId)],
        queued=webhooks.health(env, webhookId).queued,
        links={"self": link(f"{own}/deliveries"), "parent": link(own)},
    )
    return json_response(found)


def _require_outside(services: Services, url: str) -> None:
    try:
        ReceiverUrl.parse(url, services.settings.webhook_receivers)
    except ReceiverRefused as exc:
        raise InvalidRequest(str(exc)) from exc


def _find(services: Services, env: EnvironmentRef, webhook_id: str) -> Webhook:
    store = services.store()
    store.environments.require(env)
    return store.webhooks.get(env, webhook_id)


def _respond(
    services: Services,
    env: EnvironmentRef,
    webhook: Webhook,
    status: int = 200,
    *,
    with_secret: bool = False,
) -> Response:
    health = services.store().webhooks.health(env, webhook.id)
    shown = represent_webhook(env, webhook, health, services.clock(), with_secret=with_secret)
    answer = json_response(shown, status)
    if with_secret:
        answer.headers["Cache-Control"] = "no-store"
    if status == 201:  # noqa: PLR2004 - created
        answer.headers["Location"] = shown.links["self"]["href"]
    return answer


def _record(
    services: Services,
    caller: Caller,
    env: EnvironmentRef,
    action: str,
    verb: str,
    *,
    before: Summary | None = None,
    after: Summary | None = None,
) -> None:
    """In the account's log, as changes of the environment itself."""
    audit_in_environment(
        services,
        caller,
        env,
        action=f"{action}Webhook",
        verb=f"{verb} the environment",
        before=before,
        after=after,
    )


def _summarise(webhook: Webhook) -> Summary:
    """Without the URL, which may hold a token of the receiver's."""
    return {
        "webhookId": webhook.id,
        "name": webhook.name,
        "host": urlsplit(webhook.url).hostname,
        "events": list(webhook.events),
        "paused": webhook.paused,
    }
