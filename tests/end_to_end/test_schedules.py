"""A schedule of a whole system writes its file when it is due, by the upkeep that runs there."""

from dataclasses import replace

from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, new_segment
from tests.support.systems.system import System


def _files_of(system: System, export_id: object) -> list[str]:
    found = list_objects(system.objects, "lists/exports/")
    return [info.key for info in found if str(export_id) in info.key]


def test_schedule__that_was_due_meanwhile__writes_its_file_once(system: System) -> None:
    segment = new_segment(system)
    path = f"{segment.path}/export-schedules"
    body = {
        "key": "nightly",
        "cron": "0 2 * * *",
        "timeZone": "Europe/Berlin",
        "export": {
            "format": "jsonl",
            "destination": f"s3://{system.bucket}/lists/exports/{{segment}}/{{date}}",
        },
        "keepLast": 1,
    }
    assert system.http.post(path, json=body).status_code == 201
    schedules = system.store.export_schedules
    stored = schedules.get(segment.ref, "nightly")
    missed = replace(stored.value, next_ms=(stored.value.next_ms or 0) - 3 * 86_400_000)
    assert schedules.replace(stored, missed) is not None

    def runs() -> list[dict[str, object]]:
        found: list[dict[str, object]] = system.http.get(f"{path}/nightly").json()["runs"]
        return found

    wait_until(lambda: [run["status"] for run in runs()] == ["complete"], "it is written", LIMIT_S)
    (run,) = runs()
    assert run["cause"] == "caught_up"
    assert run["passedOver"] in {1, 2}
    files = _files_of(system, run["exportId"])
    assert len(files) == 1
    assert f"/{segment.ref.segment}/20" in files[0]
    shown = system.http.get(f"{path}/nightly").json()
    assert shown["nextRunAt"] == stored.value.next_ms
    system.objects.delete_prefix(files[0])
