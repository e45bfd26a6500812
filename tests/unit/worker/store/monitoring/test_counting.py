"""What a process counts is handed over once, whatever happens on the way."""

from typing import get_args

import pytest

from worker.store import Stage
from worker.store.errors import StoreUnavailable
from worker.store.monitoring import (
    COUNTERS,
    JOBS_ENDED,
    LEASES_LOST,
    STAGES,
    UNIT_RETRIES,
    Counting,
)
from worker.store.monitoring.counting import Batch
from worker.store.workflows.claims import DELETED, cancelled_reason, superseded_reason


def _all(counting: Counting) -> dict[str, int]:
    sent: dict[str, int] = {}
    counting.hand_over(lambda batch: sent.update(batch.counts))
    return sent


def test_hand_over__without_an_answer__sends_the_same_batch_again_before_the_next() -> None:
    counting, sent = Counting(), list[Batch]()

    def fail(batch: Batch) -> None:
        sent.append(batch)
        raise StoreUnavailable("no answer")

    counting.add(UNIT_RETRIES, "gather")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            counting.hand_over(fail)
        counting.add(UNIT_RETRIES, "gather", number=5)
    counting.hand_over(sent.append)

    first, second = Batch(1, {"unit_retries:gather": 1}), Batch(2, {"unit_retries:gather": 10})
    assert sent == [first, first, first, second]
    assert not _all(counting)


def test_add__label_that_the_counter_does_not_have__is_not_counted() -> None:
    counting = Counting()
    counting.add(LEASES_LOST, "someone@example.com")
    counting.add(LEASES_LOST)
    counting.add(JOBS_ENDED, "import", "lost")

    assert not _all(counting)


def test_add__first_since_all_was_handed_over__is_announced() -> None:
    counting, calls = Counting(), list[int]()
    counting.on_first = lambda: calls.append(1)
    for _ in range(2):
        counting.add(LEASES_LOST, "plan")
        counting.add(LEASES_LOST, "size")
        _all(counting)

    assert len(calls) == 2


def test_add_end__of_an_import__counts_its_rows_and_stages() -> None:
    counting = Counting()
    counting.add_end("import", "stopped", "the source is gone: s3://b/deleted", None)
    for reason in (
        DELETED,
        "environment deleted",
        superseded_reason("i2"),
        cancelled_reason("superseded"),
    ):
        counting.add_end("import", "stopped", reason, None)
    counting.add_end("import", "refused", "another import holds the list", None)
    report = {
        "accepted": 7,
        "duplicates": 0,
        "rejected": 2,
        "seconds": {"plan": 0.25, "gather": 1.5, "total": 1.75},
    }
    counting.add_end("import", "complete", None, report)

    assert _all(counting) == {
        "jobs_ended:import:stopped": 1,
        "jobs_ended:import:deleted": 2,
        "jobs_ended:import:superseded": 1,
        "jobs_ended:import:cancelled": 1,
        "jobs_ended:import:refused": 1,
        "jobs_ended:import:complete": 1,
        "import_rows:accepted": 7,
        "import_rows:rejected": 2,
        "stage_seconds:import:plan": 250,
        "stage_seconds:import:gather": 1_500,
    }


def test_counters__each_combination__has_a_field_of_its_own() -> None:
    fields = [counter.field(values) for counter in COUNTERS for values in counter.values]

    assert len(fields) == len(set(fields))
    assert all(
        len(values) == len(counter.labels) for counter in COUNTERS for values in counter.values
    )


def test_stages__that_are_counted__are_all_in_which_jobs_work() -> None:
    assert set(STAGES) == set(get_args(Stage)) - {"claim", "ended"}
