"""The survey for ``/metrics``: jobs, queues, lists, memory and clocks."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from worker.jobs.services import Services
from worker.store import (
    EnvironmentRef,
    JobNotFound,
    JobState,
    StoreError,
    UnreadableRecord,
)
from worker.store.jobs import QUEUE_UPKEEP, QUEUE_WORK
from worker.store.monitoring import Survey
from worker.store.server import queue_depths
from worker.store.workflows import survey_lists, survey_memory

logger = logging.getLogger("bigseg.upkeep")

#: The least time between two surveys.
SURVEY_MS: Final = 15_000
#: The next survey waits this many times as long as the last one took, so that surveys never take
#: more than a fiftieth of the time, however many lists there are.
_SHARE: Final = 50
#: For how long every attempt at a webhook has failed when it counts as failing.
FAILING_MS: Final = 3_600_000
#: Jobs that are looked at in one survey, to bound it; those beyond are not counted.
_MOST_JOBS: Final = 1_000


def survey_store(services: Services) -> int:
    """Take a survey, unless the last one took so long that it is too early.

    Returns:
        Surveys taken.
    """
    began_ms, store = services.clock_ms(), services.store
    before = store.monitoring.read()
    skew_ms = (began_ms + services.clock_ms()) // 2 - before.now_ms
    last = before.survey
    if last is not None and 0 <= before.now_ms - last.taken_ms < _SHARE * last.took_ms:
        return 0
    envs = store.environments.list_refs()
    jobs, queue_age_ms = _survey_jobs(services, envs, before.now_ms)
    depths, lists = _depths(services), survey_lists(store, envs)
    memory, reserved = survey_memory(store), store.build_memory.reserved()
    webhooks = [each for env in store.deliveries.watched() for each in store.webhooks.healths(env)]
    uploads = [each for env in envs for each in store.uploads.read_all(env)]
    store.monitoring.put_survey(
        Survey(
            taken_ms=before.now_ms,
            took_ms=max(0, services.clock_ms() - began_ms),
            skew_ms=skew_ms,
            jobs=jobs,
            queue_age_ms=queue_age_ms,
            queue_depths=depths,
            lists=lists,
            memory=memory,
            reserved_bytes=reserved,
            inbox_waiting=store.inbox.scan().waiting,
            deliveries_waiting=sum(each.queued for each in webhooks),
            webhooks_failing=sum(each.fails_since(before.now_ms - FAILING_MS) for each in webhooks),
            uploads_waiting=sum(each.state != "taken" for each in uploads),
            erased_keys=max(map(store.erased_keys.count, envs), default=0),
        )
    )
    return 1


def _survey_jobs(
    services: Services, envs: Sequence[EnvironmentRef], now_ms: int
) -> tuple[dict[str, int], int]:
    """Count the jobs by kind and state, and find how long one has waited for a worker at most.

    Args:
        services: Whose store is surveyed.
        envs: All environments.
        now_ms: By the server's clock, which also wrote when a job was worked on last.
    """
    counts: Counter[str] = Counter()
    longest_ms, jobs = 0, services.store.jobs
    for ref in [ref for env in envs for ref in jobs.active(env)][:_MOST_JOBS]:
        try:
            state = jobs.get(ref)
        except (JobNotFound, UnreadableRecord):
            continue
        what = _describe_state(state)
        counts[f"{ref.kind}:{what}"] += 1
        if what in {"waiting", "running"}:
            since_ms = state.progress.touched_ms or state.request.created_ms
            longest_ms = max(longest_ms, now_ms - since_ms)
    return dict(counts), longest_ms


def _describe_state(state: JobState) -> str:
    """One of ``JOB_STATES``."""
    if state.ended_ms is not None:
        return "ended"
    if state.status == "pending_approval":
        return "pending_approval"
    return "waiting" if state.progress.started_ms is None else "running"


def _depths(services: Services) -> dict[str, int] | None:
    """Messages that wait in each queue; ``None`` if the broker does not answer."""
    try:
        return queue_depths(services.settings, (QUEUE_WORK, QUEUE_UPKEEP))
    except StoreError as exc:
        logger.warning("queues.unknown", extra={"reason": str(exc)})
        return None
