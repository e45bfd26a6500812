"""Announces events to the webhooks of an environment, once for each job and kind of event.

A job's end is announced in the step that puts it on record, which upkeep repeats until the job is
tidied up: an end whose process died before is announced by the next one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

from worker.store.jobs.records import ImportRequest, JobState
from worker.store.keyspace import EnvironmentRef
from worker.store.schedules import ExportSchedule, ScheduleRun
from worker.store.store import Store
from worker.store.webhooks import Event, EventKind
from worker.store.workflows.job_documents import describe_job

#: A body; what is longer loses its longest texts.
_MOST_BYTES: Final = 16_384
_MOST_TEXT: Final = 500

_KINDS: Final[Mapping[tuple[str, str], EventKind]] = {
    ("import", "complete"): "import.complete",
    ("import", "stopped"): "import.stopped",
    ("import", "pending_approval"): "import.pending_approval",
    ("export", "complete"): "export.complete",
    ("export", "stopped"): "export.stopped",
}


def announce_job(store: Store, state: JobState) -> bool:
    """Announce that an import or export has ended, or waits for an approval. Safe to repeat.

    A dry run changes nothing, and a re-shard is the store's own: neither is announced.

    Cost: one round trip; two if the environment has webhooks.

    Returns:
        Whether this call has announced it to a webhook.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    request = state.request
    if isinstance(request, ImportRequest) and request.dry_run:
        return False
    kind = _KINDS.get((request.ref.kind, state.status))
    if kind is None or not store.webhooks.any(request.ref.env):
        return False
    at_ms = state.ended_ms or store.database.now_ms()
    event = make_event(kind, request.ref.env, request.ref.job_id, at_ms, describe_job(state))
    return bool(store.deliveries.announce(request.ref.env, event, about=request.ref))


def announce_schedule_failure(store: Store, schedule: ExportSchedule, run: ScheduleRun) -> bool:
    """Announce that a run of a schedule has failed, or could not be started. Safe to repeat.

    Call it before the run is noted as ended, so that a process that dies in between leaves it to
    the next one; a receiver may then get it twice, with one id.

    Returns:
        Whether a webhook has it in its queue.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    if not store.webhooks.any(schedule.env):
        return False
    facts = {
        "segmentKey": schedule.segment,
        "schedule": schedule.key,
        "exportId": run.export_id,
        "cause": run.cause,
        "dueAt": run.due_ms,
        "status": run.status,
        "reason": run.reason,
    }
    at_ms = run.ended_ms or store.database.now_ms()
    event = make_event("schedule.failed", schedule.env, run.export_id, at_ms, facts)
    return bool(store.deliveries.announce(schedule.env, event))


def announce_test(store: Store, env: EnvironmentRef, webhook_id: str) -> Event | None:
    """Send one webhook an event that means nothing.

    Returns:
        The event; ``None`` if its queue is full.

    Raises:
        WebhookNotFound: the environment has none with this id.
    """
    webhook = store.webhooks.get(env, webhook_id)
    about, now_ms = store.database.random_name(), store.database.now_ms()
    event = make_event("test", env, about, now_ms, {"webhookId": webhook.id})
    return event if store.deliveries.announce(env, event, only=webhook_id) else None


def make_event(
    kind: EventKind, env: EnvironmentRef, about: str, at_ms: int, data: Mapping[str, Any]
) -> Event:
    """Make an event; the same about the same has the same id."""
    event_id = f"{kind.replace('.', '-')}-{about}"
    body = {
        "type": kind,
        "id": event_id,
        "timestamp": datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds"),
        "project": env.project,
        "environment": env.environment,
        "data": data,
    }
    text = to_json(body)
    if len(text) > _MOST_BYTES:
        text = to_json({**body, "data": _shorten(data)})
    return Event(event_id, kind, at_ms, text.decode())


def _shorten(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same without what is long: texts end early, of lists the first ten stay."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}…"
    if isinstance(value, Mapping):
        return {name: _shorten(each) for name, each in list(value.items())[:50]}
    if isinstance(value, list | tuple):
        return [_shorten(each) for each in value[:10]]
    return value
