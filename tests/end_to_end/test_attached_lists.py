"""Lists of any size attached to segments of a project: imported, asked, exported and freed."""

import random
from typing import Any, Final

import httpx

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    ATTACHED,
    LIMIT_S,
    assert_nothing_left,
    csv_of,
    random_keys,
)
from tests.support.systems.system import System
from tests.support.vercel.segments import new_slug
from worker.store import attached_list_ref
from worker.store.keyspace import INCLUDED
from worker.store.members import hash_member, pack_key, shard_index

KEYS: Final = random_keys(5_000, 11)
STRANGERS: Final = random_keys(20, 12)


class _Lists:
    """The lists of one segment of a project."""

    def __init__(self, system: System, project: str = "default") -> None:
        self._system = system
        self._project = project
        self.segments = f"/v1/projects/{project}/feature-flags/segments"
        self.slug = new_slug()
        body = {"slug": self.slug, "label": "L", "hint": "", "data": {}}
        assert self._sent("PUT", self.segments, 201, json=body)

    def path(self, name: str = "include/user/id") -> str:
        return f"{self.segments}/{self.slug}/lists/{name}"

    def upload(self, content: bytes, name: str = "include/user/id", **fields: str) -> str:
        """Start an import; gives its path."""
        files = {"file": ("list.csv", content)}
        started = self._sent("PUT", f"{self.path(name)}/imports", 202, files=files, data=fields)
        path: str = started["path"]
        return path

    def ended(self, path: str) -> dict[str, Any]:
        """Wait for the end of an import or export, or for its wait for an approval."""
        over = {"complete", "stopped", "pending_approval"}
        try:
            wait_until(lambda: self._get(path)["status"] in over, f"the end of {path}", LIMIT_S)
        except TimeoutError:
            raise AssertionError(f"{self._get(path)}\n{self._system.logs()}") from None
        return self._get(path)

    def completed(self, path: str) -> dict[str, Any]:
        shown = self.ended(path)
        assert shown["status"] == "complete", shown
        return shown

    def outcome(self, value: str) -> tuple[bool, str, list[Any]]:
        """Evaluate a user for the segment; gives the outcome and the errors."""
        body = {"entities": {"user": {"id": value}}, "segments": [self.slug]}
        answer = self._sent("POST", f"{self.segments}/evaluate", 200, json=body)
        (found,) = answer["data"]
        return found["matched"], found["reason"], answer["errors"]

    def exported(self, name: str = "include/user/id") -> set[str]:
        """Export a list; gives what is in the file."""
        started = self._sent("POST", f"{self.path(name)}/exports", 202)
        done = self.completed(started["path"])
        reply = self._system.http.get(done["download"])
        assert reply.status_code == 200
        lines = reply.text.splitlines()
        assert len(lines) == done["rows"] == len(set(lines))
        return set(lines)

    def members(self) -> dict[str, int | None]:
        """Give the members of each list, by side."""
        found = self._get(f"{self.segments}/{self.slug}/lists")["data"]
        return {one["side"]: one["members"] for one in found}

    def recorded(self) -> set[str]:
        """Give the actions that the audit log has of the segment."""
        spec = f"proj/{self._project}:segment/{self.slug}"
        found = self._get(f"/api/v2/auditlog?spec={spec}&limit=20")["items"]
        return {access["action"] for one in found for access in one["accesses"]}

    def delete(self, path: str) -> None:
        reply = self._system.http.delete(path)
        assert reply.status_code == 204, reply.text

    def _get(self, path: str) -> dict[str, Any]:
        return self._sent("GET", path, 200)

    def _sent(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        reply: httpx.Response = self._system.http.request(method, path, **options)
        assert reply.status_code == status, reply.text
        answer: dict[str, Any] = reply.json()
        return answer


def test_attached_list__imported__is_asked_exported_and_freed(system: System) -> None:
    lists = _Lists(system)
    done = lists.completed(lists.upload(csv_of([*KEYS, ""]), mode="replace"))
    report, rejected = done["report"], system.http.get(done["rejectedRows"])
    lists.completed(lists.upload(csv_of(STRANGERS[:5]), "exclude/user/id"))

    assert (report["rowsRead"], report["membersAfter"]) == (5_001, 5_000)
    assert rejected.text.splitlines()[1:] == [f'list.csv,5001,{5_000 * 37},blank,""']
    assert lists.members() == {"include": 5_000, "exclude": 5}
    for key in random.Random(1).sample(KEYS, 20):
        assert lists.outcome(key) == (True, "include_list", [])
    for key in STRANGERS:
        excluded = key in STRANGERS[:5]
        reason = "exclude_list" if excluded else "fallthrough"
        assert lists.outcome(key) == (False, reason, [])
    assert lists.exported() == set(KEYS)
    assert lists.exported("exclude/user/id") == set(STRANGERS[:5])

    assert lists.recorded() >= {"completeBigSegmentImport", "completeBigSegmentExport"}

    lists.delete(lists.path())
    assert lists.outcome(KEYS[0]) == (False, "fallthrough", [])
    lists.delete(f"{lists.segments}/{lists.slug}")
    assert_nothing_left(system)
    assert not system.store.segments.read_remaining(ATTACHED)


def test_attached_list__guards_and_approvals__are_those_of_every_import(system: System) -> None:
    lists = _Lists(system)
    lists.completed(lists.upload(csv_of(KEYS)))

    empty = lists.ended(lists.upload(b"\n", mode="replace"))
    assert empty["status"] == "stopped", empty
    assert "allowEmpty" in empty["reason"]
    path = lists.upload(csv_of(KEYS[:100]), mode="replace", waitOnApprovals="true")
    waiting = lists.ended(path)
    assert waiting["status"] == "pending_approval", waiting
    assert waiting["report"]["removed"] == 4_900
    preview = system.http.get(waiting["preview"]).json()
    assert preview["removed"]["count"] == 4_900
    assert len({*preview["removed"]["keys"]} & {*KEYS[100:]}) == 20
    assert lists.outcome(KEYS[200]) == (True, "include_list", [])
    assert system.http.post(f"{path}/approve").status_code == 202
    wait_until(lambda: lists.members()["include"] == 100, "it is published", LIMIT_S)
    assert lists.outcome(KEYS[200]) == (False, "fallthrough", [])
    assert lists.completed(path)["report"]["membersAfter"] == 100
    lists.delete(f"{lists.segments}/{lists.slug}")


def test_attached_list__shard_is_lost__is_an_error_until_it_is_imported_again(
    system: System,
) -> None:
    lists, store = _Lists(system), system.store
    lists.completed(lists.upload(csv_of(KEYS)))
    project = store.projects.get("default")
    segment = store.project_segments.get(project, lists.slug).segment
    ref = attached_list_ref("default", segment.lists["include/user/id"])
    live = store.memberships.state(ref).live
    index = shard_index(hash_member(pack_key(KEYS[0])), live.included_bits)
    shard = store.keyspace.shard(ref, live.name, INCLUDED, index)
    assert system.server.command_reply("UNLINK", shard) == 1

    matched, reason, errors = lists.outcome(KEYS[0])
    assert (matched, reason) == (False, "error")
    assert errors[0]["slug"] == lists.slug
    lists.completed(lists.upload(csv_of(KEYS), mode="replace"))
    assert lists.outcome(KEYS[0]) == (True, "include_list", [])
    lists.delete(f"{lists.segments}/{lists.slug}")


def test_attached_list__project_deleted_under_an_import__is_freed(slow_system: System) -> None:
    system, store = slow_system, slow_system.store
    body = {"key": "other", "name": "Other", "environments": [{"key": "e", "name": "E"}]}
    assert system.http.post("/api/v2/projects", json=body).status_code == 201
    lists = _Lists(system, "other")
    lists.upload(csv_of(KEYS), "exclude/user/id")
    lists.upload(csv_of(KEYS))

    assert system.http.delete("/api/v2/projects/other").status_code == 204

    assert system.http.get(f"{lists.segments}/{lists.slug}").status_code == 404
    keys = store.keyspace

    def freed() -> bool:
        """Only records of ended jobs are left, and what keeps an old name from coming again."""
        with system.server.client() as client:
            found = {key.decode() for key in client.scan_iter(f"{keys.prefix}:{{other*", 5_000)}
        kept = (":state", ":generations", ":import:", ":imports:", ":segments:")
        return not [key for key in found if not any(word in key for word in kept)]

    wait_until(freed, "everything of the project is freed", LIMIT_S)
    wait_until(
        lambda: "other" not in store.projects.records.list_keys(), "its record is gone", LIMIT_S
    )
    assert not store.client.hgetall(keys.reservations())
