"""Deliveries over real connections: signed, bounded in time, never to an address unchecked."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import pytest
import trustme

from tests.support.servers.receivers import Receiver, running_receiver
from tests.support.servers.redis import wait_until
from tests.support.store.stores import PRODUCTION, clock_ms, opened
from tests.support.store.webhooks import an_event, new_webhook
from worker.receiver_addresses import AllowedReceivers
from worker.settings import WorkerSettings
from worker.store import EnvironmentRef, Store, announce_test
from worker.webhooks import Deliverer
from worker.webhooks.delivering import (
    MOST_AT_A_TIME,
    MOST_RETRIES,
    RETRIED_MS,
    retry_after_ms,
)
from worker.webhooks.sending import Sender

TEST: Final = EnvironmentRef("default", "test")
LOCAL: Final = AllowedReceivers.parse(["127.0.0.1"])
SETTINGS: Final = WorkerSettings(webhook_allowed=("127.0.0.1",), webhook_timeout_s=0.5)


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@contextmanager
def _serving(*pieces: bytes, pause_s: float = 0.0) -> Iterator[int]:
    """Answer one connection with pieces of bytes, whatever it asks; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
                    if over.wait(pause_s):
                        return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        thread.join(5)


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

    wait_until(is_delivered, "the second attempt has succeeded", 10)
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
        slow.answer = lambda _: 200 if hold.wait(10) else 500
        for _ in range(MOST_AT_A_TIME - 1):
            new_webhook(store, PRODUCTION, slow.url)
        quick = new_webhook(store, PRODUCTION, receiver.url)
        settings = SETTINGS.model_copy(update={"webhook_timeout_s": 10.0})
        deliverer = Deliverer(store, settings, clock_ms)
        for number in range(3):
            store.deliveries.announce(PRODUCTION, an_event(number))

        def is_served() -> bool:
            deliverer.deliver_due()
            return store.webhooks.health(PRODUCTION, quick.id).queued == 0

        wait_until(is_served, "the quick receiver has all", 10)
        assert len(slow.received) == MOST_AT_A_TIME - 1
        hold.set()
        delivered = MOST_AT_A_TIME * 3
        wait_until(
            lambda: (
                deliverer.deliver_due() >= 0
                and len(slow.received) + len(receiver.received) == delivered
            ),
            "the slow ones have all, too",
            10,
        )


def test_receivers__all_that_fail_hang__one_that_is_sound_still_finds_a_thread(
    store: Store, receiver: Receiver
) -> None:
    hold = threading.Event()
    with running_receiver() as slow:
        slow.answer = lambda number: 500 if number < MOST_AT_A_TIME or not hold.wait(10) else 503
        failing = [new_webhook(store, TEST, slow.url) for _ in range(MOST_AT_A_TIME)]
        for webhook in failing:
            announce_test(store, TEST, webhook.id)
        deliverer = Deliverer(
            store, SETTINGS.model_copy(update={"webhook_timeout_s": 10.0}), clock_ms
        )
        deliverer.deliver_due()
        wait_until(
            lambda: all(store.webhooks.health(TEST, each.id).failures for each in failing),
            "each has failed once",
            10,
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

        wait_until(is_served, "the sound one has all, without another look", 10)
        assert len(slow.received) <= MOST_AT_A_TIME + MOST_RETRIES
        hold.set()


@pytest.mark.parametrize(
    ("pieces", "pause_s", "fault"),
    [
        ((b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 100), 0.05, "no answer within 0.5 s"),
        ((), 0.0, "the connection ended before an answer"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), 0.0, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,), 0.0, "not HTTP"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",), 0.0, "answered 302"),
    ],
    ids=["trickling", "silent", "another_protocol", "endless_header", "redirect"],
)
def test_send__receiver_that_does_not_take_it__says_why_in_time(
    pieces: tuple[bytes, ...], pause_s: float, fault: str
) -> None:
    begun = time.monotonic()
    with _serving(*pieces, pause_s=pause_s) as port:
        answer = Sender(LOCAL, 0.5).send(f"http://127.0.0.1:{port}/", {}, "{}")
    assert answer.fault is not None
    assert any(part in answer.fault for part in fault.split("|")), answer.fault
    assert time.monotonic() - begun < 5


def test_send__path_with_parameters_and_an_ipv6_address__arrives_as_it_was_given() -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    got: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not b"".join(got).endswith(b"{}"):
                got.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 429 Slow\r\nRetry-After: 7200\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    url = f"http://[::1]:{port}/a;v=1/b;w=2?x=1;y&z=%20"
    answer = Sender(AllowedReceivers.parse(["::1"]), 30).send(url, {}, "{}")
    thread.join(5)
    listener.close()
    head = b"".join(got)
    assert head.startswith(b"POST /a;v=1/b;w=2?x=1;y&z=%20 HTTP/1.1\r\n")
    assert f"host: [::1]:{port}\r\n".encode() in head.lower()
    assert (answer.status, answer.rest_s) == (429, 3_600)


def test_send__endless_body__is_not_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"
    with _serving(head, *[b"x" * 1_000] * 100, pause_s=0.02) as port:
        assert Sender(LOCAL, 5).send(f"http://127.0.0.1:{port}/", {}, "{}").fault is None


def test_send__name_that_leads_inside_only_the_second_time__is_never_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: what is connected to is what was checked, so there is no second time."""
    asked: list[str] = []

    def rebind(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "93.184.215.14"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    url = f"https://rebound.example:{receiver.port}/hook"
    answer = Sender(AllowedReceivers(), 0.5).send(url, {}, "{}")
    assert answer.fault is not None
    assert "leads to this machine" in answer.fault
    assert asked == ["rebound.example"]
    assert receiver.received == []


def test_send__over_tls__proves_the_name_and_not_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.internal").configure_cert(server)
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with suppress(OSError), server.wrap_socket(connection, server_side=True) as secure:
                request = b""
                while not request.endswith(b"{}"):  # the body comes by itself
                    request += secure.recv(65_536)
                requests.append(request)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    requests: list[bytes] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]

    def resolve(_host: str, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    sender = Sender(LOCAL, 30)
    authority.configure_trust(sender._context)
    url = f"https://hooks.internal:{port}/hook"
    assert sender.send(url, {}, "{}").status == 204
    assert f"host: hooks.internal:{port}".encode() in requests[0].lower()
    other = sender.send(f"https://other.internal:{port}/hook", {}, "{}")
    assert other.fault is not None
    assert other.fault.startswith("its certificate is not valid")
    assert names == ["hooks.internal", "other.internal"]
    thread.join(5)
    listener.close()
