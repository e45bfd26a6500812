"""Webhooks: what is announced is delivered at least once, by one process at a time, in bounds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.support.servers.redis import wait_until
from tests.support.store.stores import PRODUCTION, keys_of, raw
from tests.support.store.webhooks import an_attempt, an_event, fail_once, new_webhook
from worker.store import EnvironmentRef, ExportRequest, ListRef, Store, delete_environment
from worker.store.errors import (
    EnvironmentNotFound,
    TooManyWebhooks,
    UnreadableRecord,
    WebhookNotFound,
)
from worker.store.webhooks import MOST_ATTEMPTS_KEPT, MOST_QUEUED, MOST_WEBHOOKS
from worker.store.workflows import create_environment

TEST = EnvironmentRef("default", "test")
LEASE_MS = 60_000


class WebhookSuite:
    def test_create__then_read__is_the_same_and_of_its_environment_alone(
        self, store: Store
    ) -> None:
        made = new_webhook(store, PRODUCTION)
        assert store.webhooks.get(PRODUCTION, made.id) == made
        assert store.webhooks.read_all(PRODUCTION) == [made]
        assert store.webhooks.read_all(TEST) == []
        assert store.deliveries.watched() == [PRODUCTION]

    def test_create__many_at_once__never_leaves_more_than_the_most(self, store: Store) -> None:
        def create(_: int) -> int:
            try:
                new_webhook(store, PRODUCTION)
            except TooManyWebhooks:
                return 0
            return 1

        with ThreadPoolExecutor(8) as threads:
            made = sum(threads.map(create, range(MOST_WEBHOOKS + 8)))
        assert made == len(store.webhooks.read_all(PRODUCTION)) == MOST_WEBHOOKS

    def test_announce__once_for_a_job__is_queued_once_for_those_that_ask(
        self, store: Store
    ) -> None:
        new_webhook(store, PRODUCTION)
        store.webhooks.create(PRODUCTION, "https://example.com/o", events=("import.complete",))
        job = ExportRequest("e1", ListRef("default", "production", "s", 1), 1)
        assert store.deliveries.announce(PRODUCTION, an_event(), about=job.ref) == 0
        store.jobs.create(job, stage="write", units=1)
        assert store.deliveries.announce(PRODUCTION, an_event(), about=job.ref) == 1
        claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert claimed is not None
        assert (claimed.delivery.id, claimed.delivery.body) == ("schedule-failed-1", '{"n":1}')
        assert store.deliveries.settle(claimed, an_attempt(claimed), pause_ms=0, again_ms=0)
        assert store.deliveries.announce(PRODUCTION, an_event(), about=job.ref) == 0
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None

    def test_announce__full_queue__is_counted_as_dropped(self, store: Store) -> None:
        webhook = new_webhook(store, PRODUCTION)
        deliveries = store.keyspace.webhook_part(PRODUCTION, webhook.id, "deliveries")
        pipeline = raw(store).pipeline(transaction=False)
        for number in range(MOST_QUEUED - 1):
            pipeline.hset(deliveries, f"old{number}", "{}")
        pipeline.execute()
        assert store.deliveries.announce(PRODUCTION, an_event(1)) == 1
        assert store.deliveries.announce(PRODUCTION, an_event(2)) == 0
        health = store.webhooks.health(PRODUCTION, webhook.id)
        assert (health.queued, health.dropped) == (MOST_QUEUED, 1)
        counted: dict[str, int] = {}
        store.counting.hand_over(lambda batch: counted.update(batch.counts))
        assert counted == {"webhook_deliveries:dropped": 1}

    @pytest.mark.parametrize("record", ["5", "null", '{"events":7}', "{"], ids=range(4))
    def test_announce__damaged_webhook__reaches_the_others(self, store: Store, record: str) -> None:
        new_webhook(store, PRODUCTION)
        raw(store).hset(store.keyspace.webhooks(PRODUCTION), "damaged", record)
        assert store.deliveries.announce(PRODUCTION, an_event()) == 1

    def test_announce__for_one_webhook__comes_first_and_waits_for_no_rest(
        self, store: Store
    ) -> None:
        webhook = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event(1))
        fail_once(store, PRODUCTION, wait_ms=0)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None
        store.deliveries.announce(PRODUCTION, an_event(2), only=webhook.id)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS, sound=True) is None
        first = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert first is not None
        assert (first.delivery.id, first.retrying) == ("schedule-failed-2", True)

    def test_claim__several_webhooks__take_turns(self, store: Store) -> None:
        made = {new_webhook(store, PRODUCTION).id for _ in range(3)}
        for number in range(2):
            store.deliveries.announce(PRODUCTION, an_event(number))
        turns = []
        for _ in range(6):
            claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
            assert claimed is not None
            turns.append(claimed.webhook.id)
            store.deliveries.settle(claimed, an_attempt(claimed), pause_ms=0, again_ms=0)
            _await_the_next_millisecond(store)
        assert set(turns[:3]) == set(turns[3:]) == made

    def test_claim__delivery_that_cannot_be_read__keeps_no_other_waiting(
        self, store: Store
    ) -> None:
        webhook = new_webhook(store, PRODUCTION)
        part = store.keyspace.webhook_part
        store.deliveries.announce(PRODUCTION, an_event(1))
        raw(store).hset(part(PRODUCTION, webhook.id, "deliveries"), "schedule-failed-1", "{")
        with pytest.raises(UnreadableRecord):
            store.deliveries.claim(PRODUCTION, LEASE_MS)
        store.deliveries.announce(PRODUCTION, an_event(2))
        raw(store).hdel(part(PRODUCTION, webhook.id, "state"), "lease", "lease_ends")
        claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert claimed is not None
        assert claimed.delivery.id == "schedule-failed-2"

    def test_change__pause__queues_nothing_and_delivers_what_waits_when_it_ends(
        self, store: Store
    ) -> None:
        made = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event(1))
        fail_once(store, PRODUCTION)
        before, paused = store.webhooks.change(PRODUCTION, made.id, paused=True, name="n")
        assert (before, paused) == (made, replace(made, paused=True, name="n"))
        assert store.deliveries.announce(PRODUCTION, an_event(2)) == 0
        health = store.webhooks.health(PRODUCTION, made.id)
        assert (health.queued, health.failures) == (1, 0)
        assert store.webhooks.healths(PRODUCTION) == [health]
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None
        store.webhooks.change(PRODUCTION, made.id, paused=False)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is not None

    def test_change__other_url__is_tried_at_once_as_a_sound_webhook(self, store: Store) -> None:
        made = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event())
        fail_once(store, PRODUCTION)
        store.webhooks.change(PRODUCTION, made.id, url="https://example.com/other")
        health = store.webhooks.health(PRODUCTION, made.id)
        assert (health.failures, health.failing_since_ms) == (0, None)
        again = store.deliveries.claim(PRODUCTION, LEASE_MS, sound=True)
        assert again is not None
        assert (again.webhook.url, again.delivery.attempts) == ("https://example.com/other", 1)

    def test_change__of_a_record_that_has_changed__is_not_written(self, store: Store) -> None:
        made = new_webhook(store, PRODUCTION)
        key = store.keyspace.webhooks(PRODUCTION)
        before = raw(store).hget(key, made.id)
        store.webhooks.rotate(PRODUCTION, made.id)
        stale = (made.id, before, before, "")
        assert store.database.run("write it", "webhook/replace", [key], stale) == 0
        assert len(store.webhooks.get(PRODUCTION, made.id).secrets) == 2
        with pytest.raises(WebhookNotFound):
            store.webhooks.change(PRODUCTION, "none", name="n")

    def test_claim__webhook_under_a_lease__gives_only_those_of_others(self, store: Store) -> None:
        new_webhook(store, PRODUCTION)
        new_webhook(store, PRODUCTION)
        for number in (1, 2):
            assert store.deliveries.announce(PRODUCTION, an_event(number)) == 2
        with ThreadPoolExecutor(8) as threads:
            found = list(
                threads.map(lambda _: store.deliveries.claim(PRODUCTION, LEASE_MS), range(8))
            )
        claimed = [each for each in found if each is not None]
        assert len({each.webhook.id for each in claimed}) == len(claimed) == 2

    def test_claim__lease_has_run_out__gives_the_same_delivery_again(self, store: Store) -> None:
        new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event())
        first = store.deliveries.claim(PRODUCTION, 0)
        again = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert first is not None
        assert again is not None
        assert first.delivery == again.delivery
        assert not store.deliveries.settle(first, an_attempt(first), pause_ms=0, again_ms=0)
        assert store.deliveries.settle(again, an_attempt(again), pause_ms=0, again_ms=0)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None

    def test_settle__failed__is_due_again_later_and_the_webhook_rests(self, store: Store) -> None:
        webhook = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event(1))
        claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert claimed is not None
        failed = an_attempt(claimed, "failed", status=500, reason="answered 500")
        store.deliveries.announce(PRODUCTION, an_event(2))
        assert store.deliveries.settle(claimed, failed, pause_ms=60_000, again_ms=60_000)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None
        health = store.webhooks.health(PRODUCTION, webhook.id)
        assert (health.queued, health.failures) == (2, 1)
        assert health.failing_since_ms is not None
        assert store.webhooks.attempts(PRODUCTION, webhook.id) == [failed]

    def test_settle__failed_without_a_pause__leaves_others_first_and_is_tried_again(
        self, store: Store
    ) -> None:
        webhook = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event(1))
        first = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert first is not None
        store.deliveries.announce(PRODUCTION, an_event(2))
        store.deliveries.settle(first, an_attempt(first, "failed"), pause_ms=0, again_ms=60_000)
        second = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert second is not None
        assert second.delivery.id == "schedule-failed-2"
        store.deliveries.settle(second, an_attempt(second), pause_ms=0, again_ms=0)
        assert store.deliveries.claim(PRODUCTION, LEASE_MS) is None
        health = store.webhooks.health(PRODUCTION, webhook.id)
        assert (health.queued, health.failures, health.failing_since_ms) == (1, 0, None)
        assert health.delivered_ms is not None
        queue = store.keyspace.webhook_part(PRODUCTION, webhook.id, "queue")
        raw(store).zadd(queue, {"schedule-failed-1": 1})
        again = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert again is not None
        assert (again.delivery.id, again.delivery.attempts) == ("schedule-failed-1", 1)

    def test_settle__given_up__leaves_the_queue_and_is_counted(self, store: Store) -> None:
        webhook = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event())
        claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert claimed is not None
        store.deliveries.settle(claimed, an_attempt(claimed, "lost"), pause_ms=0, again_ms=0)
        health = store.webhooks.health(PRODUCTION, webhook.id)
        assert (health.queued, health.lost, health.failures) == (0, 1, 1)

    def test_settle__many__keeps_the_last_attempts(self, store: Store) -> None:
        webhook = new_webhook(store, PRODUCTION)
        log = store.keyspace.webhook_part(PRODUCTION, webhook.id, "attempts")
        pipeline = raw(store).pipeline(transaction=False)
        for _ in range(MOST_ATTEMPTS_KEPT):
            pipeline.xadd(log, {"attempt": "{}"}, id="*")
        pipeline.execute()
        for number in range(2):
            store.deliveries.announce(PRODUCTION, an_event(number))
            claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
            assert claimed is not None
            store.deliveries.settle(claimed, an_attempt(claimed), pause_ms=0, again_ms=0)
        assert raw(store).xlen(log) == MOST_ATTEMPTS_KEPT

    def test_rotate__twice__signs_with_the_last_two(self, store: Store) -> None:
        made = new_webhook(store, PRODUCTION)
        once = store.webhooks.rotate(PRODUCTION, made.id)
        twice = store.webhooks.rotate(PRODUCTION, made.id)
        assert once.secrets[1].text == made.secrets[0].text
        assert [each.text for each in twice.secrets[1:]] == [once.secrets[0].text]
        assert twice.secrets[0].ends_ms is None
        assert twice.secrets[1].ends_ms is not None
        assert store.webhooks.get(PRODUCTION, made.id) == twice

    def test_delete__webhook_with_a_queue__leaves_nothing_and_takes_no_result(
        self, store: Store
    ) -> None:
        before = keys_of(store)
        webhook = new_webhook(store, PRODUCTION)
        store.deliveries.announce(PRODUCTION, an_event(1))
        fail_once(store, PRODUCTION, wait_ms=0)
        raw(store).hdel(
            store.keyspace.webhook_part(PRODUCTION, webhook.id, "state"), "paused_until"
        )
        claimed = store.deliveries.claim(PRODUCTION, LEASE_MS)
        assert claimed is not None
        store.webhooks.delete(PRODUCTION, webhook.id)
        failed = an_attempt(claimed, "failed")
        assert not store.deliveries.settle(claimed, failed, pause_ms=0, again_ms=0)
        with pytest.raises(WebhookNotFound):
            store.webhooks.delete(PRODUCTION, webhook.id)
        assert store.deliveries.mend_watched([PRODUCTION]) == 0
        assert keys_of(store) == before

    def test_delete__environment_with_webhooks__takes_all_of_them_along(self, store: Store) -> None:
        env = EnvironmentRef("default", "gone")
        create_environment(store, "default", store.environments.new("gone", "G"))
        webhook = new_webhook(store, env)
        store.deliveries.announce(env, an_event())
        claimed = store.deliveries.claim(env, LEASE_MS)
        assert claimed is not None
        delete_environment(store, env)
        assert not store.deliveries.settle(claimed, an_attempt(claimed), pause_ms=0, again_ms=0)
        left = {key for key in keys_of(store) if webhook.id in key or key.endswith("webhooks")}
        assert left == set()
        with pytest.raises(EnvironmentNotFound):
            new_webhook(store, env)

    def test_mend__environment_that_is_not_watched__is_watched_again(self, store: Store) -> None:
        new_webhook(store, PRODUCTION)
        raw(store).delete(store.keyspace.webhook_environments())
        assert store.deliveries.mend_watched([PRODUCTION, TEST]) == 1
        assert store.deliveries.watched() == [PRODUCTION]


def _await_the_next_millisecond(store: Store) -> None:
    begun_ms = store.database.now_ms()
    wait_until(lambda: store.database.now_ms() > begun_ms, "a millisecond is over")
