"""``bigseg webhooks``, against a real API and a real receiver."""

import threading

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.receivers import running_receiver
from tests.support.store.stores import clock_ms
from worker.settings import WorkerSettings
from worker.store import EnvironmentRef, Store
from worker.webhooks import Deliverer

ENV = EnvironmentRef("default", "test")
HERE = ("--environment", "test")


def test_webhooks__created_tested_deleted__says_what_came_of_it(run: Run, store: Store) -> None:
    made = run("webhooks", "create", "https://hooks.invalid/hook", "--event", "test", *HERE)
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith("whsec_")
    webhook = json_of(run("webhooks", "list", *HERE, "--json"))[0]
    assert webhook["id"] in made.stderr
    assert webhook["id"] in run("webhooks", "list", *HERE).stdout

    none = run("webhooks", "test", webhook["id"], "--timeout", "0", *HERE)
    assert none.exit_code == 1
    assert "is a worker running" in none.stderr

    with running_receiver() as receiver:
        allowed = WorkerSettings(webhook_allowed=("127.0.0.1",))
        stopped = threading.Event()

        def deliver() -> None:
            deliverer = Deliverer(store, allowed, clock_ms)
            while not stopped.wait(0.05):
                deliverer.deliver_due()

        thread = threading.Thread(target=deliver)
        thread.start()
        try:
            refused = run("webhooks", "test", webhook["id"], *HERE)
            own = store.webhooks.create(ENV, receiver.url)
            delivered = run("webhooks", "test", own.id, *HERE)
        finally:
            stopped.set()
            thread.join()
    assert refused.exit_code == 1
    assert "not delivered: " in refused.stderr
    assert delivered.exit_code == 0, delivered.stderr
    assert "answered 200" in delivered.stdout
    log = run("webhooks", "deliveries", own.id, *HERE).stdout
    assert "delivered" in log

    both = run("webhooks", "update", own.id, "--event", "test", "--all-events", *HERE)
    assert both.exit_code == 2
    elsewhere = ("--url", "https://hooks.example.com/", "--event", "test")
    changed = run("webhooks", "update", own.id, *elsewhere, "--name", "mine", *HERE)
    assert changed.exit_code == 0, changed.stderr
    assert "paused" in run("webhooks", "pause", own.id, *HERE).stdout
    resumed = json_of(run("webhooks", "resume", own.id, *HERE, "--json"))
    assert (resumed["url"], resumed["events"]) == ("https://hooks.example.com/", ["test"])
    assert (resumed["name"], resumed["paused"]) == ("mine", False)

    rotated = run("webhooks", "rotate", own.id, *HERE)
    assert rotated.stdout.startswith("whsec_")
    assert "ok" in run("webhooks", "show", own.id, *HERE).stdout
    for each in (own.id, webhook["id"]):
        assert run("webhooks", "delete", each, "--yes", *HERE).exit_code == 0
    assert json_of(run("webhooks", "list", *HERE, "--json")) == []
    assert run("webhooks", "show", own.id, *HERE).exit_code == 5
