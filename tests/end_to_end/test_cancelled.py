"""Imports that are cancelled while the real worker is at them: nothing is published, or left."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    ATTACHED,
    LIMIT_S,
    BigSegment,
    assert_nothing_left,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.parts import Part
from tests.support.systems.system import System
from worker.store import JobRef

OLD: Final = random_keys(300, 60)
NEW: Final = random_keys(12_000, 61)
#: Seconds for freeing what a cancelled import used; a loaded machine takes half of it.
SOON_S: Final = 10.0
REASON: Final = "cancelled by admin token"


@pytest.fixture
def segment(slow_system: System) -> Iterator[BigSegment]:
    """A list with some members, which it still has afterwards, and nothing else is left."""
    segment = new_segment(slow_system)
    assert segment.edit(add=OLD).is_success
    yield segment
    assert segment.members() == set(OLD)
    assert_nothing_left(slow_system, segment)


@pytest.fixture
def restarted(segment: BigSegment) -> Iterator[Part]:
    """The worker that does units, which a test may kill."""
    worker = segment.system.worker
    yield worker
    worker.kill()
    worker.start()


def _cancel(segment: BigSegment, import_id: str) -> httpx.Response:
    return segment.system.http.delete(f"{segment.path}/imports/{import_id}")


def _assert_freed_soon(segment: BigSegment, import_id: str, reason: str = REASON) -> None:
    began_s = time.monotonic()
    assert_nothing_left(segment.system, segment)
    assert time.monotonic() - began_s < SOON_S, "freed within seconds"
    assert segment.stopped(import_id) == reason


@pytest.mark.parametrize("stage", ["scatter", "gather"])
def test_cancel__in_the_middle_of_a_stage__frees_all_of_it_soon(
    segment: BigSegment, stage: str
) -> None:
    import_id = segment.upload(csv_of(NEW), "replace")
    segment.wait_stage(import_id, stage, finished_units=1)

    reply = _cancel(segment, import_id)

    assert (reply.status_code, reply.json()["status"]) == (200, "stopped"), reply.text
    _assert_freed_soon(segment, import_id)
    assert _cancel(segment, import_id).json()["reason"] == REASON, "the same answer again"
    again = segment.upload(csv_of(OLD[:10]))
    segment.completed(again)
    refused = _cancel(segment, again)
    assert refused.status_code == 409
    assert "revisions publish" in refused.json()["message"]


def test_cancel__waiting_for_its_approval__frees_what_was_built(segment: BigSegment) -> None:
    import_id = segment.upload(csv_of(NEW[:300]), "replace", waitOnApprovals="true")
    segment.wait_stage(import_id, "approval")

    assert _cancel(segment, import_id).status_code == 200

    _assert_freed_soon(segment, import_id)


def test_cancel__unannounced_of_a_killed_worker_or_before_any_has_it__is_freed_by_upkeep(
    segment: BigSegment, restarted: Part
) -> None:
    import_id = segment.upload(csv_of(NEW), "replace")
    segment.wait_stage(import_id, "scatter", finished_units=1)
    restarted.kill()

    segment.system.store.builds.cancel(segment.ref, import_id, by="ann")

    _assert_freed_soon(segment, import_id, "cancelled by ann")
    queued = segment.upload(csv_of(NEW), "replace")
    assert _cancel(segment, queued).status_code == 200
    _assert_freed_soon(segment, queued)


def test_cancel__while_its_segment_is_deleted__one_ends_it_and_nothing_is_left(
    slow_system: System,
) -> None:
    segment = new_segment(slow_system)
    import_id = segment.upload(csv_of(NEW))
    segment.wait_stage(import_id, "scatter", finished_units=1)
    with ThreadPoolExecutor(2) as threads:
        cancelling = threads.submit(_cancel, segment, import_id)
        threads.submit(segment.delete).result()

    reason = segment.stopped(import_id)
    assert reason in {REASON, "segment deleted"}
    status = 200 if reason == REASON else 409
    assert cancelling.result().status_code == status, cancelling.result().text
    again = _cancel(segment, import_id)
    assert again.status_code == status, again.text
    assert reason in again.text
    assert_nothing_left(slow_system)


def test_cancel__import_into_an_attached_list__leaves_nothing(slow_system: System) -> None:
    http, segments = slow_system.http, "/v1/projects/default/feature-flags/segments"
    body = {"slug": "beta", "label": "Beta", "hint": "user", "data": {}}
    made = http.put(segments, json=body)
    assert made.status_code in {200, 201}, made.text
    path = f"{segments}/beta/lists/include/user/id/imports"
    started = http.put(path, files={"file": ("list.csv", csv_of(NEW))}, data={"mode": "replace"})
    assert started.status_code == 202, started.text
    job = JobRef("import", ATTACHED, started.json()["id"])
    wait_until(lambda: slow_system.store.jobs.get(job).stage == "scatter", "scatter", LIMIT_S)

    reply = http.delete(f"{path}/{job.job_id}")

    assert (reply.status_code, reply.json()["reason"]) == (200, REASON), reply.text
    assert http.delete(f"{segments}/{made.json()['id']}").status_code == 204
    assert_nothing_left(slow_system)
