"""A system over TLS whose parts log in as the users of ``deploy/store.acl``, and as less."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest

from tests.support.processes.started import ROOT
from tests.support.proxies.tls import issue_files, running_tls_proxy
from tests.support.servers.objects import ObjectServer
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import csv_of, new_segment, random_keys
from tests.support.systems.parts import Part
from tests.support.systems.system import System, running_system

_ACL = ROOT / "deploy/store.acl"
_USERS: Final = {"api": "api", "worker": "worker", "upkeep": "worker", "beat": "beat"}
_EVALUATE: Final = "/api/v2/projects/default/environments/production/segments/evaluate"
KEYS = random_keys(10_000, 11)


@pytest.fixture(scope="module")
def system(s3_server: ObjectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Dialled over TLS; the test itself is an administrator, without TLS."""
    folder = tmp_path_factory.mktemp("acl")
    files, acl, port = issue_files(folder), folder / "users.acl", free_port()
    lines = [f"{line} >secret" for line in _ACL.read_text().splitlines() if line]
    acl.write_text("\n".join([*lines, "user default on nopass sanitize-payload ~* &* +@all", ""]))
    with running_tls_proxy(port, files.server) as tls:
        urls = {
            part: f"rediss://bigseg-{user}:secret@127.0.0.1:{tls}/0?ssl_ca_certs={files.authority}"
            for part, user in _USERS.items()
        }
        with running_system(
            s3_server,
            port=port,
            store_options={"aclfile": str(acl)},
            part_settings={
                part: {"BIGSEG_REDIS_URL": url, "BIGSEG_BROKER_URL": url}
                for part, url in urls.items()
            },
        ) as system:
            yield system


def _denied(system: System) -> list[tuple[str, str, str]]:
    """What the server has refused to the users of the parts."""
    with system.server.client(decode_responses=True) as client:
        log: list[dict[str, Any]] = client.acl_log()
        client.acl_log_reset()
    return [(one["username"], one["reason"], one["object"]) for one in log]


def _use_everything(system: System) -> None:
    http = system.http
    segment = new_segment(system)
    assert segment.completed(segment.upload(csv_of(KEYS), "replace"))["membersAfter"] == len(KEYS)
    merged = segment.completed(segment.upload(csv_of(["new", *KEYS[:5]]), "merge"))
    assert merged["membersAfter"] == len(KEYS) + 1
    start: dict[str, Any] = {
        "data": {"mode": "merge"},
        "files": {"file": ("list.csv", csv_of(["again"]))},
        "headers": {"Idempotency-Key": "once"},
    }
    replies = [http.post(f"{segment.path}/imports", **start) for _ in range(2)]
    assert len({reply.headers["location"] for reply in replies}) == 1
    segment.completed(replies[0].headers["location"].rpartition("/")[2])
    assert segment.edit(add=["a", "b"], remove=["a"]).status_code == 204
    assert segment.includes("b") is True
    assert segment.exported().count(b"\n") >= len(KEYS)
    waiting = segment.upload(csv_of(["later"]), "merge", waitOnApprovals="true")
    segment.wait_stage(waiting, "approval")
    approval = {"kind": "processBigSegmentImport", "importId": waiting}
    semantic = {"Content-Type": "application/json; domain-model=launchdarkly.semanticpatch"}
    reply = http.patch(segment.path, json={"instructions": [approval]}, headers=semantic)
    assert reply.status_code == 200, reply.text
    segment.completed(waiting)
    instruction = {
        "kind": "addExpiringTarget",
        "targetType": "included",
        "contextKey": "b",
        "contextKind": "user",
        "value": 4_102_444_800_000,
    }
    reply = http.patch(
        f"/api/v2/segments/default/{segment.ref.segment}/expiring-targets/production",
        json={"instructions": [instruction]},
    )
    assert reply.json()["failedInstructions"] == 0, reply.text
    token = http.post("/api/v2/tokens", json={"role": "reader", "name": "n"}).json()
    own = {"Authorization": token["token"]}
    assert http.get(segment.path, headers=own).status_code == 200
    body = {"kind": "user", "key": "b"}
    evaluated = http.post(_EVALUATE, json=body)
    assert evaluated.status_code == 200, evaluated.text
    assert http.get("/api/v2/auditlog").status_code == 200
    assert http.delete(f"/api/v2/tokens/{token['_id']}").status_code == 204
    segment.delete()


def test_acl__users_of_the_file__may_do_all_that_each_part_does(system: System) -> None:
    _use_everything(system)

    assert _denied(system) == []
    with system.server.client(decode_responses=True) as client:
        found = {one["user"] for one in client.client_list()}
    assert {"bigseg-api", "bigseg-worker", "bigseg-beat"} <= found
    assert "secret" not in system.logs()


def _restarted(system: System, part: Part, *rules: str) -> None:
    system.server.command_reply("ACL", "SETUSER", f"bigseg-{_USERS[part.name]}", *rules)
    part.kill()
    part.start()


def test_acl__restore_script_and_info_forbidden__worker_takes_the_slower_way(
    system: System,
) -> None:
    system.revive()
    forbidden = ("-restore", "-script|load", "-info")
    _restarted(system, system.worker, *forbidden)
    wait_until(lambda: system.worker.log.count("store.degraded") == 3, "it says so once")

    segment = new_segment(system)
    assert segment.completed(segment.upload(csv_of(KEYS), "replace"))["membersAfter"] == len(KEYS)
    merged = segment.completed(segment.upload(csv_of(["new", *KEYS[:5]]), "merge"))
    assert merged["membersAfter"] == len(KEYS) + 1
    segment.delete()

    assert {what for _, _, what in _denied(system)} <= {"restore", "script|load", "info"}
    assert system.worker.log.count("store.degraded") == 3
    assert all(f'"{one}"' in system.worker.log for one in ("RESTORE", "SCRIPT LOAD", "INFO"))
    _restarted(system, system.worker, "+restore", "+script|load", "+info")


def test_acl__what_is_needed_is_forbidden__each_part_names_exactly_that(system: System) -> None:
    system.revive()
    forbidden = {"worker": ("COPY", "XTRIM"), "beat": ("LPUSH",), "api": ("MGET", "ZCARD")}
    for name, commands in forbidden.items():
        _restarted(system, system.parts[name], *(f"-{one.lower()}" for one in commands))

    for part in (system.worker, system.beat):
        assert part.process is not None
        assert part.process.wait(60) != 0
        names = ", ".join(forbidden[part.name])
        assert f"may not run {names} on keys bigseg:*; deploy/store.acl" in part.log
        part.process = None

    def tells() -> bool:
        with suppress(httpx.TransportError):  # not listening yet
            return "may not run MGET, ZCARD on keys" in system.http.get("/readyz").text
        return False

    wait_until(tells, "the API tells")
    assert system.api.log.count("store.unavailable") == 1
    for name, commands in forbidden.items():
        rules = (f"+{one.lower()}" for one in commands)
        system.server.command_reply("ACL", "SETUSER", f"bigseg-{_USERS[name]}", *rules)
    system.wait_ready()
