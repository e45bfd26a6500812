"""The metrics that come from the store: totals of all workers, and upkeep's last survey.

Every process of the API shows the same values, so they must not be added up over targets.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from api.metrics.store_reader import StoreFigures
from worker.store import (
    COUNTERS,
    JOB_STATES,
    PACE_REASONS,
    Counter,
    JobKind,
    Monitored,
    SdkStoreFigures,
    Survey,
)

#: Shown together with what the API itself counts.
AUDIT_LOSSES: Final = "audit_losses"


def store_metrics(figures: StoreFigures) -> Iterator[Metric]:
    """Yield all of them except the counter that the API shares."""
    for counter in COUNTERS:
        if counter.name != AUDIT_LOSSES:
            yield _counted(counter, figures.monitored.counts)
    yield from _writers(figures)
    yield _clock_skews(figures)
    yield from _sdk_store(figures.sdk_store)
    survey = figures.monitored.survey
    if survey is not None:
        yield from _surveyed(figures.monitored, survey)


def worker_audit_losses(figures: StoreFigures) -> int:
    """Changes whose entries workers lost."""
    return sum(
        figures.monitored.counts.get(counter.field(values), 0)
        for counter in COUNTERS
        if counter.name == AUDIT_LOSSES
        for values in counter.values
    )


def _counted(counter: Counter, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"bigseg_{counter.name}", counter.text, labels=counter.labels)
    for values in counter.values:
        family.add_metric(values, counts.get(counter.field(values), 0) / counter.unit)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"bigseg_{name}", text, value=value)


def _labelled(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(f"bigseg_{name}", text, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _surveyed(monitored: Monitored, survey: Survey) -> Iterator[Metric]:
    age_s = max(0, monitored.now_ms - survey.taken_ms) / 1000
    yield _gauge("survey_age_seconds", "Seconds since upkeep looked at everything.", age_s)
    yield _labelled(
        "jobs",
        "Imports, exports and re-shards that are not over.",
        ("kind", "state"),
        [
            ((kind, state), survey.jobs.get(f"{kind}:{state}", 0))
            for kind in get_args(JobKind)
            for state in JOB_STATES
        ],
    )
    yield _gauge(
        "queue_age_seconds",
        "Seconds for which the job that has waited longest for a worker has waited.",
        survey.queue_age_ms / 1000,
    )
    if survey.queue_depths is not None:
        yield _labelled(
            "queue_depth",
            "Messages that wait at the broker.",
            ("queue",),
            [((queue,), depth) for queue, depth in sorted(survey.queue_depths.items())],
        )
    yield _gauge(
        "inbox_waiting", "Objects of the inbox whose import has not begun.", survey.inbox_waiting
    )
    yield _gauge(
        "webhook_deliveries_waiting",
        "Events that wait to be delivered to webhooks.",
        survey.deliveries_waiting,
    )
    yield _gauge(
        "webhooks_failing",
        "Webhooks at which every attempt has failed for an hour.",
        survey.webhooks_failing,
    )
    yield from _lists(survey)
    yield from _memory(survey)


def _sdk_store(figures: SdkStoreFigures) -> Iterator[Metric]:
    yield _gauge(
        "sdk_store_environments",
        "Environments whose big segments SDKs read from Redis.",
        figures.environments,
    )
    yield _gauge(
        "sdk_store_environments_failing",
        "Environments whose sets for SDKs cannot be kept now.",
        figures.failing,
    )
    yield _gauge("sdk_store_lists", "Big segments kept in sets for SDKs.", figures.lists)
    yield _gauge("sdk_store_lists_held", "Those that the sets have held as a whole.", figures.held)
    yield _gauge(
        "sdk_store_lists_behind", "Those that are being filled or compared.", figures.behind
    )
    yield _gauge(
        "sdk_store_lag_seconds",
        "Seconds since the sets for SDKs that are farthest behind were what their lists are.",
        figures.lag_ms / 1000,
    )


def _lists(survey: Survey) -> Iterator[Metric]:
    lists = survey.lists
    yield _gauge("lists", "Big segments of all environments.", lists.lists)
    yield _gauge("members", "Members of all their lists.", lists.members)
    yield _gauge("shards", "Shards of their live revisions.", lists.shards)
    yield _gauge(
        "revisions", "Revisions in memory: live, being built, and not freed yet.", lists.revisions
    )
    yield _gauge(
        "retirement_backlog",
        "Revisions that are neither live nor kept, and not freed yet.",
        lists.backlog,
    )
    yield _gauge("retirement_backlog_shards", "Shards of those.", lists.backlog_shards)
    yield _gauge("kept_revisions", "Replaced revisions that can be published again.", lists.kept)
    yield _gauge("kept_revisions_shards", "Shards of those.", lists.kept_shards)


def _memory(survey: Survey) -> Iterator[Metric]:
    yield _gauge(
        "store_memory_reserved_bytes",
        "Bytes that running imports may still write.",
        survey.reserved_bytes,
    )
    memory = survey.memory
    if memory is None:
        return
    yield _gauge(
        "store_memory_used_bytes", "Bytes that the store's servers use.", memory.used_bytes
    )
    yield _gauge(
        "store_memory_limit_bytes", "Bytes that they may use; 0 is no limit.", memory.limit_bytes
    )
    yield _gauge(
        "store_memory_fullest_ratio",
        "The part of its limit that the fullest of them uses.",
        memory.fullest_share,
    )


def _clock_skews(figures: StoreFigures) -> Metric:
    skews = [(("api",), figures.skew_s)]
    survey = figures.monitored.survey
    if survey is not None:
        skews.append((("worker",), survey.skew_ms / 1000))
    return _labelled(
        "clock_skew_seconds",
        "Seconds by which a process's clock is ahead of the store's.",
        ("process",),
        skews,
    )


def _writers(figures: StoreFigures) -> Iterator[Metric]:
    rates = {
        reason: [process.bytes_s for process in figures.writing if process.reason == reason]
        for reason in PACE_REASONS
    }
    yield _labelled(
        "shard_writers",
        "Worker processes that write shards now, by what sets their pace.",
        ("pace",),
        [((reason,), len(of_processes)) for reason, of_processes in rates.items()],
    )
    yield _labelled(
        "shard_bytes_per_second",
        "Bytes a second that they write.",
        ("pace",),
        [((reason,), sum(of_processes)) for reason, of_processes in rates.items()],
    )
