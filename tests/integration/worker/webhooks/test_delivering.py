"""Deliveries: signed, tried again, given up; receivers and environments take turns."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from tests.support.servers.receivers import Receiver, running_receiver
from tests.support.servers.redis import wait_until
from tests.support.store.stores import PRODUCTION, clock_ms, opened
from tests.support.store.webhooks import an_event, new_webhook
from worker.settings import WorkerSettings
from worker.store import EnvironmentRef, Store, announce_test
from worker.webhooks import Deliverer
from worker.webhooks.delivering import (
    MOST_AT_A_TIME,
    MOST_RETRIES,
    RETRIED_MS,
    retry_after_ms,
)

TEST: Final = EnvironmentRef("default", "test")
SETTINGS: Final = WorkerSettings(webhook_allowed=("127.0.0.1",), webhook_timeout_s=30.0)


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


def test_delivery__fails_then_succeeds__has_one_id_and_right_signatures_throughout(
    store: Store, receiver: Receiver
) -> None:
    made = new_webhook(store, PRODUCTION, receiver.url)
    rotated = store.webhooks.rotate(PRODUCTION, made.id)
    receiver.answer = lambda number: 500 if number == 0 else 200
    store.deliveries.announce(PRODUCTION, an_event(created_ms=clock_ms()))
    deliverer = Deliverer(store, SETTINGS, clock_ms)

    def is_delivered() -> bool:
        deliverer.deliver_due()
        return store.webhooks.health(PRODUCTION, made.id).queued == 0

    wait_until(is_delivered, "the second attempt has succeeded")
    first, second = receiver.received
    assert first.body == second.body == '{"n":1}'
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "schedule-failed-1"
    for received in (first, second):
        assert all(received.is_signed_by(secret.text) for secret in rotated.secrets)
        assert not received.is_signed_by("whsec_AAAA")
    log = store.webhooks.attempts(PRODUCTION, made.id)
    assert [(one.outcome, one.status, one.reason) for one in log] == [
        ("delivered", 200, None),
        ("failed", 500, "answered 500"),
    ]


def test_delivery__old_secret_has_ended__is_signed_by_the_new_one_alone(
    store: Store, receiver: Receiver
) -> None:
    made = new_webhook(store, PRODUCTION, receiver.url)
    rotated = store.webhooks.rotate(PRODUCTION, made.id)
    store.deliveries.announce(PRODUCTION, an_event())
    claimed = store.deliveries.claim(PRODUCTION, 60_000)
    assert claimed is not None
    ended = replace(rotated.secrets[1], ends_ms=1)
    webhook = replace(claimed.webhook, secrets=(rotated.secrets[0], ended))
    Deliverer(store, SETTINGS, clock_ms).attempt(replace(claimed, webhook=webhook))
    assert receiver.received[0].is_signed_by(rotated.secrets[0].text)
    assert not receiver.received[0].is_signed_by(rotated.secrets[1].text)


def test_delivery__still_fails_after_a_day__is_given_up(store: Store, receiver: Receiver) -> None:
    made = new_webhook(store, PRODUCTION, receiver.url)
    receiver.answer = lambda _: 503
    store.deliveries.announce(PRODUCTION, an_event(created_ms=clock_ms() - RETRIED_MS))
    claimed = store.deliveries.claim(PRODUCTION, 60_000)
    assert claimed is not None
    assert Deliverer(store, SETTINGS, clock_ms).attempt(claimed).outcome == "lost"
    health = store.webhooks.health(PRODUCTION, made.id)
    assert (health.queued, health.lost) == (0, 1)
    counted: dict[str, int] = {}
    store.counting.hand_over(lambda batch: counted.update(batch.counts))
    assert counted == {"webhook_deliveries:lost": 1}


def test_retries__of_a_day__are_a_few_dozen() -> None:
    waits = [retry_after_ms(number) for number in range(1, 100)]
    tries = next(n for n in range(100) if sum(waits[:n]) > RETRIED_MS)
    assert waits[:3] == [1_000, 2_000, 4_000]
    assert max(waits) == 3_600_000
    assert 24 < tries < 48


def test_receivers__some_slow__others_are_served_meanwhile(
    store: Store, receiver: Receiver
) -> None:
    hold = threading.Event()
    with running_receiver() as slow:
        slow.answer = lambda _: 200 if hold.wait(60) else 500
        for _ in range(MOST_AT_A_TIME - 1):
            new_webhook(store, PRODUCTION, slow.url)
        quick = new_webhook(store, PRODUCTION, receiver.url)
        settings = SETTINGS.model_copy(update={"webhook_timeout_s": 60.0})
        deliverer = Deliverer(store, settings, clock_ms)
        for number in range(3):
            store.deliveries.announce(PRODUCTION, an_event(number))

        def is_served() -> bool:
            deliverer.deliver_due()
            return store.webhooks.health(PRODUCTION, quick.id).queued == 0

        wait_until(is_served, "the quick receiver has all")
        assert len(slow.received) == MOST_AT_A_TIME - 1
        hold.set()
        delivered = MOST_AT_A_TIME * 3
        wait_until(
            lambda: (
                deliverer.deliver_due() >= 0
                and len(slow.received) + len(receiver.received) == delivered
            ),
            "the slow ones have all, too",
        )


def test_environments__more_is_due_than_there_are_threads__take_turns(
    store: Store, receiver: Receiver
) -> None:
    hold = threading.Event()
    receiver.answer = lambda _: 200 if hold.wait(60) else 500
    for _ in range(MOST_AT_A_TIME):
        new_webhook(store, PRODUCTION, receiver.url)
    new_webhook(store, TEST, receiver.url)
    store.deliveries.announce(PRODUCTION, an_event(1))
    store.deliveries.announce(TEST, an_event(2))
    settings = SETTINGS.model_copy(update={"webhook_timeout_s": 60.0})
    assert Deliverer(store, settings, clock_ms).deliver_due() == MOST_AT_A_TIME
    wait_until(lambda: len(receiver.received) == MOST_AT_A_TIME, "every thread is at work")
    bodies = [one.body for one in receiver.received]
    hold.set()
    assert bodies.count(an_event(2).body) == 1


def test_receivers__all_that_fail_hang__one_that_is_sound_still_finds_a_thread(
    store: Store, receiver: Receiver
) -> None:
    hold = threading.Event()
    with running_receiver() as slow:
        slow.answer = lambda number: 500 if number < MOST_AT_A_TIME or not hold.wait(60) else 503
        failing = [new_webhook(store, TEST, slow.url) for _ in range(MOST_AT_A_TIME)]
        for webhook in failing:
            announce_test(store, TEST, webhook.id)
        deliverer = Deliverer(
            store, SETTINGS.model_copy(update={"webhook_timeout_s": 60.0}), clock_ms
        )
        deliverer.deliver_due()
        wait_until(
            lambda: all(store.webhooks.health(TEST, each.id).failures for each in failing),
            "each has failed once",
        )
        for webhook in failing:
            announce_test(store, TEST, webhook.id)
        deliverer.deliver_due()
        quick = new_webhook(store, PRODUCTION, receiver.url)
        for number in range(3):
            store.deliveries.announce(PRODUCTION, an_event(number))
        deliverer.deliver_due()

        def is_served() -> bool:
            deliverer.deliver_more(0.05)
            return store.webhooks.health(PRODUCTION, quick.id).queued == 0

        wait_until(is_served, "the sound one has all, without another look")
        assert len(slow.received) <= MOST_AT_A_TIME + MOST_RETRIES
        hold.set()
