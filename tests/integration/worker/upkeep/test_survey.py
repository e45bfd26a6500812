"""What upkeep surveys and what jobs count reaches the store, on a real server."""

import dataclasses
from collections.abc import Iterator

import pytest

from tests.integration.worker.upkeep.conftest import put_upload
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.store.stores import token
from tests.support.store.webhooks import an_event, new_webhook
from tests.support.systems.imports import Imports, imports_in_process
from worker.store import Store, StoreUnavailable
from worker.store.monitoring import CHORES, Counting, CountSender
from worker.tasks.chores import chores, tend
from worker.upkeep.survey import survey_store

CONTENT = b"a\nb\nb\n\xff\n"


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, redis_url=valkey_server.url) as imports:
        yield imports


def _counts(store: Store) -> dict[str, int]:
    return dict(store.monitoring.read().counts)


def test_import__that_completes__is_counted_in_the_store_and_once(running: Imports) -> None:
    store = running.services.store
    store.counting.hand_over(lambda _: None)  # what other tests have counted
    sender = CountSender(store.counting, store.monitoring, token(), every_s=0.01)
    before = _counts(store)
    request = running.start(running.list_of(), CONTENT, allow_rejected=True)
    running.finish(request)
    running.services.store.jobs.end(request.ref, "complete", report={"rows": 1}, keep_s=60)

    def added(field: str) -> int:
        return _counts(store).get(field, 0) - before.get(field, 0)

    wait_until(lambda: added("jobs_ended:import:complete") == 1, "the count arrives")
    sender.close()
    names = ("import_rows:accepted", "import_rows:duplicates", "import_rows:rejected")
    assert [added(name) for name in names] == [2, 1, 1]
    assert added("stage_seconds:import:plan") >= 0
    assert added("jobs_ended:import:complete") == 1


def test_counts__while_the_store_does_not_answer__arrive_later(running: Imports) -> None:
    store, counting = running.services.store, Counting()
    tries = 0
    board = store.monitoring

    class Failing(type(board)):  # type: ignore[misc]  # the class of the real one
        def count(self, *args: object) -> bool:
            nonlocal tries
            tries += 1
            added = bool(super().count(*args))
            if tries < 3:
                raise StoreUnavailable("the answer was lost")
            return added

    sender = CountSender(counting, Failing(store.database), token(), every_s=0.01)
    before = _counts(store).get("jobs_ended:export:stopped", 0)
    counting.add_end("export", "stopped", "x", None)
    wait_until(lambda: tries == 3, "the third try")
    sender.close()

    assert _counts(store)["jobs_ended:export:stopped"] == before + 1


def test_survey__while_an_import_waits__counts_jobs_lists_queues_and_memory(
    running: Imports,
) -> None:
    store, services = running.services.store, running.services
    lists = running.list_of("a", "b")
    request = running.start(lists, CONTENT)
    job = store.keyspace.job(lists.env, "import", request.import_id)
    store.client.hset(job, "touched", services.clock_ms() - 100_000)
    services = dataclasses.replace(services, clock_ms=lambda: running.services.clock_ms() + 50_000)

    webhook = new_webhook(store, lists.env)
    store.deliveries.announce(lists.env, an_event())
    state = store.keyspace.webhook_part(lists.env, webhook.id, "state")
    store.client.hset(state, "failing_since", 1)

    digest = store.erased_keys.digest(lists.env, "user", "erased")
    store.erased_keys.add(lists.env, "user", digest, 1)
    upload = put_upload(running, "open")

    assert survey_store(services) == 1
    found = store.monitoring.read().survey
    store.webhooks.delete(lists.env, webhook.id)
    store.erased_keys.lift(lists.env, "user", ["erased"])
    assert store.uploads.replace(lists.env, upload, None)
    running.finish(request)

    assert found is not None
    assert found.jobs["import:waiting"] == 1
    assert (found.deliveries_waiting, found.webhooks_failing) == (1, 1)
    assert (found.uploads_waiting, found.erased_keys) == (1, 1)
    assert 99_000 < found.queue_age_ms < 160_000, "by the store's clock"
    assert 40_000 < found.skew_ms < 60_000
    assert found.queue_depths == {"bigseg.work": 0, "bigseg.upkeep": 0}
    assert found.lists.lists >= 1
    assert found.lists.members >= 2
    assert found.memory is not None
    assert found.memory.used_bytes > 0


def test_survey__after_one_that_took_long__waits_its_time(running: Imports) -> None:
    board = running.services.store.monitoring
    survey_store(running.services)
    last = board.read().survey
    assert last is not None
    board.put_survey(dataclasses.replace(last, took_ms=10_000))
    assert survey_store(running.services) == 0
    board.put_survey(dataclasses.replace(last, took_ms=0))
    assert survey_store(running.services) == 1


def test_chore__that_fails__is_counted_by_name(
    running: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = running.services.store
    sent: dict[str, int] = {}
    store.counting.hand_over(lambda _batch: None)

    def fail(*_: object) -> None:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(type(store.environments), "list_refs", fail)
    tend(running.services)
    store.counting.hand_over(lambda batch: sent.update(batch.counts))

    failed = {field.partition(":")[2] for field in sent}
    assert {"sweep_jobs", "free_ended"} <= failed
    assert [chore.__name__ for chore, _ in chores(1)] == list(CHORES)
