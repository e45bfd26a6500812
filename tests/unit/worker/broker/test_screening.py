"""Only messages that bigseg sends get to Celery, and only what they need of themselves."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from tests.support.servers.redis import Server
from worker.broker.screening import screen_message
from worker.settings import StoreSettings
from worker.store.jobs.messages import (
    QUEUE_WORK,
    TASK_RESHARD,
    TASK_TEND,
    TASK_WORK,
    broker_options,
)

Change = Callable[[dict[str, Any]], object]

NOTHING_MORE = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))


def message(**headers: object) -> dict[str, Any]:
    """A message as the API sends it."""
    return {
        "body": encoded([["import:p:e:1"], {}, NOTHING_MORE]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": TASK_WORK, "id": "one", **headers},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": "two",
            "delivery_info": {"exchange": "", "routing_key": QUEUE_WORK},
        },
    }


def encoded(body: object) -> str:
    """A body as Celery packs it."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def test_screened__what_celery_sends__is_let_through(valkey_server: Server) -> None:
    settings = StoreSettings.model_validate({"redis_url": valkey_server.url, "key_prefix": "scr"})
    with Celery("tests", set_as_current=False, fixups=[]) as app:
        app.conf.update(broker_options(settings))
        app.send_task(TASK_WORK, ["import:p:e:1"], queue=QUEUE_WORK, retry=False)
        app.send_task(TASK_RESHARD, args=["p:e:s:1"], queue=QUEUE_WORK, ignore_result=True)
        app.send_task(TASK_TEND, queue=QUEUE_WORK, expires=60)
    with valkey_server.client() as client:
        sent: list[bytes] = client.lrange("scr:broker:bigseg.work", 0, -1)  # type: ignore[assignment]

    assert len(sent) == 3
    for raw in sent:
        cleaned = json.loads(screen_message(raw) or b"null")
        assert cleaned["body"] == json.loads(raw)["body"]
        assert cleaned["headers"].items() <= json.loads(raw)["headers"].items()


def test_screened__more_headers_than_needed__are_taken_off() -> None:
    raw = message(compression="application/x-gzip", timelimit=[1, 1], chord={}, shadow="x")
    raw["properties"]["reply_to"] = "somebody"

    cleaned = json.loads(screen_message(json.dumps(raw).encode()) or b"null")

    assert set(cleaned["headers"]) == {"lang", "task", "id", "expires", "eta", "ignore_result"}
    assert set(cleaned["properties"]) == {"body_encoding", "delivery_tag", "delivery_info"}


_CHANGES: dict[str, Change] = {
    "pickled": lambda one: one.update({"content-type": "application/x-python-serialize"}),
    "binary": lambda one: one.update({"content-encoding": "binary"}),
    "unknown task": lambda one: one["headers"].update(task="os.system"),
    "control task": lambda one: one["headers"].update(task="celery.chain"),
    "delayed": lambda one: one["headers"].update(eta="2999-01-01T00:00:00Z"),
    "no time": lambda one: one["headers"].update(expires="tomorrow"),
    "huge header": lambda one: one["headers"].update(argsrepr="x" * 20_000),
    "no headers": lambda one: one.pop("headers"),
    "headers of another shape": lambda one: one.update(headers=[]),
    "no properties": lambda one: one.pop("properties"),
    "tag of another type": lambda one: one["properties"].update(delivery_tag={}),
    "other queue": lambda one: one["properties"]["delivery_info"].update(routing_key="x"),
    "body not base64": lambda one: one.update(body="{}"),
    "body not JSON": lambda one: one.update(body=base64.b64encode(b"\x80\x04").decode()),
    "body of another shape": lambda one: one.update(body=encoded({"args": []})),
    "deep body": lambda one: one.update(
        body=base64.b64encode(b"[" * 8_000 + b"]" * 3_000).decode()
    ),
    "callback": lambda one: one.update(
        body=encoded([["import:p:e:1"], {}, NOTHING_MORE | {"callbacks": [{"task": TASK_TEND}]}])
    ),
    "other arguments": lambda one: one.update(body=encoded([["x"], {}, NOTHING_MORE])),
    "no job": lambda one: one.update(body=encoded([["x:p:e:1"], {}, NOTHING_MORE])),
    "named arguments": lambda one: one.update(
        body=encoded([["import:p:e:1"], {"x": 1}, NOTHING_MORE])
    ),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_screened__message_of_another_kind__is_dropped_with_one_line(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = message()
    assert screen_message(json.dumps(raw).encode()) is not None
    _CHANGES[name](raw)

    with caplog.at_level(logging.WARNING):
        assert screen_message(json.dumps(raw).encode()) is None
    assert [record.getMessage() for record in caplog.records] == ["message.dropped"]


_DEEP = st.integers(1, 15).map(lambda depth: b"[" * 1_000 * depth)


@given(st.one_of(st.binary(), st.text().map(str.encode), _DEEP))
def test_screened__any_bytes__are_dropped(raw: bytes) -> None:
    assert screen_message(raw) is None
