"""A key that is erased through real processes is in no dump, no object and no log."""

import json
import time
from typing import Any, Final
from urllib.parse import quote

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, SEGMENTS, BigSegment, csv_of, new_segment
from tests.support.systems.searching import find_key
from tests.support.systems.system import System

_KEY: Final = "erase/mé+1@example.com"
#: Of several chunks, so that they are spilled.
_OTHERS: Final = [f"stays-{number:040}" for number in range(4_000)]
_ERASURES: Final = "/api/v2/projects/default/environments/production/erasures"


def _logs(system: System) -> dict[str, str]:
    return {name: part.log for name, part in system.parts.items()}


def _find(system: System) -> list[str]:
    return find_key(_KEY, system.store, system.objects, _logs(system))


def _expire_later(segment: BigSegment) -> None:
    path = f"/api/v2/segments/default/{segment.ref.segment}/expiring-targets/production"
    instruction = {
        "kind": "addExpiringTarget",
        "contextKind": "user",
        "contextKey": _KEY,
        "targetType": "included",
        "value": time.time_ns() // 1_000_000 + 10**9,
    }
    reply = segment.system.http.patch(path, json={"instructions": [instruction]})
    assert reply.json()["failedInstructions"] == 0, reply.text


def _target(system: System) -> None:
    """Have a standard segment target the key."""
    http = system.http
    assert http.post(SEGMENTS, json={"key": "standard", "name": "s"}).status_code == 201
    patch = [{"op": "add", "path": "/included/-", "value": _KEY}]
    assert http.patch(f"{SEGMENTS}/standard", json=patch).status_code == 200


def _export(segment: BigSegment, **options: Any) -> str:
    http = segment.system.http
    reply = http.post(f"{segment.path}/exports", json=options)
    place = reply.headers["location"]
    wait_until(lambda: http.get(place).json()["status"] == "complete", "the export", LIMIT_S)
    return place.rpartition("/")[2]


def _erase(system: System) -> dict[str, Any]:
    reply = system.http.delete(f"/api/v2/contexts/default/production/user/{quote(_KEY, safe='')}")
    assert reply.status_code == 202, reply.text

    def receipt() -> dict[str, Any]:
        found: dict[str, Any] = system.http.get(reply.headers["location"]).json()
        return found

    wait_until(lambda: receipt()["status"] == "complete", "the receipt", LIMIT_S)
    return receipt()


def test_erasure__of_a_key_that_is_everywhere__leaves_it_nowhere(system: System) -> None:
    segment, waiting = new_segment(system), new_segment(system)
    segment.completed(segment.upload(csv_of([*_OTHERS[:1_100], _KEY])))
    segment.completed(segment.upload(csv_of([*_OTHERS[:9], f"{_KEY}\x01"])))
    segment.edit(add=[_KEY])
    _expire_later(segment)
    _target(system)
    for options in (
        {"format": "parquet"},
        {"partRows": 1_000, "destination": f"s3://{system.bucket}/lists/exports/"},
    ):
        _export(segment, **options)
    held = waiting.upload(csv_of([*_OTHERS, _KEY]), waitOnApprovals="true")
    waiting.wait_for(held, lambda state: state.status == "pending_approval", "an approval")
    assert segment.includes(quote(_KEY, safe=""))
    before = _find(system)
    for part in ("dump of", "/spills/", "/uploads/", "/exports/", "/rejected/", "lists/exports/"):
        assert any(part in where for where in before), (part, before)

    receipt = _erase(system)

    assert _find(system) == []
    touched = receipt["touched"]
    assert touched["segmentKeys"] == [segment.ref.segment]
    assert (touched["included"], touched["targets"], touched["schedules"]) == (1, 1, 1)
    assert touched["exports"] >= 2, "those of other tests are deleted, too"
    assert touched["rejectedRows"] >= 1
    assert touched["imports"] == 1
    assert not segment.includes(quote(_KEY, safe=""))
    assert waiting.approve(held).status_code == 200
    waiting.completed(held)
    segment.completed(segment.upload(csv_of([*_OTHERS[:9], _KEY]), "replace"))
    assert segment.members() == {*_OTHERS[:9]}
    assert waiting.members() == {*_OTHERS}
    assert json.dumps(_KEY) not in system.http.get(_ERASURES).text
    wait_until(lambda: _find(system) == [], "the old file is gone", LIMIT_S)
