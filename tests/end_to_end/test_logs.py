"""Every process writes JSON lines and nothing else, whatever happens to it."""

import json
import time
from typing import Any

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import new_segment
from tests.support.systems.system import System
from worker.store import EnvironmentRef

_SCOPE = EnvironmentRef("default", "production")
_LOST_KEY = "context-key-that-no-log-may-hold"


def _lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


def _events(log: str, name: str) -> list[dict[str, Any]]:
    return [line for line in _lines(log) if line["event"] == name]


def _expire_soon(system: System, segment: str, key: str) -> None:
    path = f"/api/v2/segments/default/{segment}/expiring-targets/production"
    instruction = {
        "kind": "addExpiringTarget",
        "contextKind": "user",
        "contextKey": key,
        "targetType": "included",
        "value": time.time_ns() // 1_000_000 + 3_000,
    }
    reply = system.http.patch(path, json={"instructions": [instruction]})
    assert reply.json()["failedInstructions"] == 0, reply.text


def test_logs__of_every_process__are_json_from_start_to_stop(system: System) -> None:
    segment = new_segment(system)
    segment.edit(add=[_LOST_KEY])
    _expire_soon(system, segment.ref.segment, _LOST_KEY)
    log_key = system.store.keyspace.audit_log(_SCOPE)
    system.store.client.unlink(log_key)
    system.store.client.hset(log_key, "no", "stream")
    try:
        renamed = [{"op": "replace", "path": "/name", "value": "Renamed"}]
        assert system.http.patch(segment.path, json=renamed).status_code == 200
        wait_until(lambda: "audit.lost" in system.api.log, "the API logs a lost entry")
        wait_until(
            lambda: "audit.lost" in system.worker.log + system.upkeep.log,
            "a worker logs a lost entry",
        )
    finally:
        system.store.client.unlink(log_key)

    system.stop()
    logs = {name: part.log for name, part in system.parts.items()}
    system.revive()

    for log in (logs["api"], logs["worker"] + logs["upkeep"]):
        [lost] = [
            line
            for line in _events(log, "audit.lost")
            if segment.ref.segment in line["entry"]["resource"]
        ]
        assert lost["level"] == "error"
        assert lost["log"] == "default:production"
    for log in logs.values():
        assert all({"event", "level", "logger"} <= line.keys() for line in _lines(log))
        assert _LOST_KEY not in log
    assert _events(logs["worker"], "worker: Warm shutdown (MainProcess)")
    assert any(line["logger"] == "uvicorn.error" for line in _lines(logs["api"]))
    assert any(line["logger"].startswith("celery.") for line in _lines(logs["beat"]))
