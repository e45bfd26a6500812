"""Drives a running system over HTTP, and looks for what a list or job has left behind."""

import csv
import io
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import numpy as np

from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from tests.support.systems.system import System
from worker.objects.layout import INTERNAL_PREFIX
from worker.store import EnvironmentRef, JobRef, JobState, ListRef
from worker.store.keyspace import EXCLUDED, INCLUDED

PRODUCTION: Final = EnvironmentRef("default", "production")
#: Where lists are that are attached to segments of the project itself.
ATTACHED: Final = EnvironmentRef.of_project("default")
SEGMENTS: Final = "/api/v2/segments/default/production"
#: A crash costs a lease and a sweep at most a few times over; a loaded machine more.
LIMIT_S: Final = 90.0
_SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"

_numbers = itertools.count(1)


@dataclass(slots=True)
class BigSegment:
    """One big segment of a running system."""

    system: System
    ref: ListRef
    imports: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{SEGMENTS}/{self.ref.segment}"

    def upload(self, content: bytes, mode: str = "merge", **fields: str) -> str:
        """Import a list by upload; gives the import's id."""
        return self._started(self.try_upload(content, mode, **fields), 204)

    def try_upload(self, content: bytes, mode: str = "merge", **fields: str) -> httpx.Response:
        return self.system.http.post(
            f"{self.path}/imports",
            files={"file": ("list.csv", content)},
            data={"mode": mode, **fields},
        )

    def import_source(self, key: str, mode: str = "merge", **fields: Any) -> str:
        """Import a list that is in the bucket; gives the import's id."""
        body = {"source": f"s3://{self.system.bucket}/{key}", "mode": mode, **fields}
        return self._started(
            self.system.http.post(f"{self.path}/imports/from-source", json=body), 202
        )

    def compose(self, op: str, *sources: "BigSegment", **fields: Any) -> str:
        """Build it from other segments; gives the import's id."""
        body = {"op": op, "segments": [source.ref.segment for source in sources], **fields}
        return self._started(self.system.http.post(f"{self.path}/compose", json=body), 202)

    def _started(self, reply: httpx.Response, status: int) -> str:
        assert reply.status_code == status, reply.text
        import_id = reply.headers["location"].rpartition("/")[2]
        self.imports.append(import_id)
        return import_id

    def state(self, import_id: str) -> JobState:
        """The job as its record tells it, also while the API is down."""
        return self.system.store.jobs.get(JobRef("import", PRODUCTION, import_id))

    def wait_for(self, import_id: str, condition: Callable[[JobState], bool], what: str) -> None:
        """Wait until a running import is at some point; its end before that fails."""

        def reached() -> bool:
            state = self.state(import_id)
            if condition(state):
                return True
            assert state.ended_ms is None, f"ended before {what}: {state}"
            return False

        wait_until(reached, what, LIMIT_S)

    def wait_stage(self, import_id: str, stage: str, *, finished_units: int = 0) -> None:
        """Wait until so many units of a stage are done and others are not."""
        key = self.system.store.keyspace.job(PRODUCTION, "import", import_id)

        def there(state: JobState) -> bool:
            done = int(self.system.store.client.hget(key, "finished") or 0)
            return state.stage == stage and done >= finished_units

        self.wait_for(import_id, there, f"{finished_units} units of {stage}")

    def ended(self, import_id: str) -> dict[str, Any]:
        """Wait for an import's end; its representation."""
        try:
            wait_until(lambda: self.state(import_id).ended_ms is not None, "its end", LIMIT_S)
        except TimeoutError:
            message = f"{self.state(import_id)}\n{self.system.logs()}"
            raise AssertionError(message) from None
        reply = self.system.http.get(f"{self.path}/imports/{import_id}")
        assert reply.status_code == 200, reply.text
        shown: dict[str, Any] = reply.json()
        return shown

    def completed(self, import_id: str) -> dict[str, Any]:
        """Wait until an import is complete; its report, which must balance."""
        shown = self.ended(import_id)
        assert shown["status"] == "complete", f"{shown}\n{self.system.logs()}"
        report: dict[str, Any] = shown["report"]
        parts = ("accepted", "duplicates", "rejected", "erased", "leftOut")
        assert report["rowsRead"] == sum(report.get(part, 0) for part in parts)
        if "unmatched" in report:
            assert report["accepted"] == report["removed"] + report["unmatched"]
            assert (report["added"], report["unchanged"]) == (0, 0)
        else:
            assert report["accepted"] == report["added"] + report["unchanged"]
        before, edited = report["membersBefore"], report["editedWhileImporting"]
        assert report["membersAfter"] == before + report["added"] - report["removed"] + edited
        return report

    def stopped(self, import_id: str) -> str:
        """Wait until an import is stopped; its reason."""
        shown = self.ended(import_id)
        assert shown["status"] == "stopped", shown
        assert shown["report"] is None
        reason: str = shown["reason"]
        return reason

    def approve(self, import_id: str) -> httpx.Response:
        """Have an import published that waits for an approval."""
        instruction = {"kind": "processBigSegmentImport", "importId": import_id}
        return self.system.http.patch(
            self.path, json={"instructions": [instruction]}, headers={"Content-Type": _SEMANTIC}
        )

    def rejected_rows(self, import_id: str) -> list[list[str]]:
        """Download an import's rejected rows, without the first line."""
        shown = self.ended(import_id)
        reply = self.system.http.get(shown["_links"]["rejectedRows"]["href"])
        assert reply.status_code == 200, reply.text
        lines = [*csv.reader(io.StringIO(reply.content.decode(), newline=""))]
        assert lines[0] == ["file", "row", "offset", "reason", "cell"]
        return lines[1:]

    def edit(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> httpx.Response:
        body = {"included": {"add": list(add), "remove": list(remove)}}
        return self.system.http.post(f"{self.path}/contexts", json=body)

    def includes(self, key: str) -> bool:
        """Ask the API for one membership."""
        reply = self.system.http.get(f"{self.path}/contexts/{key}")
        assert reply.status_code == 200, reply.text
        included: bool = reply.json()["included"]
        return included

    def delete(self) -> None:
        reply = self.system.http.delete(self.path)
        assert reply.status_code == 204, reply.text

    def exported(self, file_format: str = "csv") -> bytes:
        """Export the list and download it."""
        http = self.system.http
        reply = http.post(f"{self.path}/exports", json={"format": file_format})
        assert reply.status_code == 200, reply.text
        location = reply.headers["location"]

        def done() -> bool:
            status = http.get(location).json()["status"]
            assert status != "stopped", http.get(location).text
            return bool(status == "complete")

        wait_until(done, "the export is complete", LIMIT_S)
        shown = http.get(location).json()
        download = http.get(shown["_links"]["download"]["href"])
        assert download.status_code == 200, download.text
        assert len(download.content) == shown["sizeBytes"]
        return download.content

    def members(self) -> set[str]:
        """All included keys, by way of an export; each comes once."""
        lines = self.exported().decode().splitlines()
        assert len(set(lines)) == len(lines)
        return set(lines)

    def counted(self) -> int:
        """The included count; at a quiet moment it is the shards' cardinality on both sides."""
        shown = self.system.http.get(self.path).json()["_unboundedMetadata"]
        store = self.system.store
        live = store.memberships.state(self.ref).live
        for side, count in ((INCLUDED, shown["includedCount"]), (EXCLUDED, shown["excludedCount"])):
            assert store.builds.count(self.ref, live, side, 0, live.shard_count(side)) == count
        return int(shown["includedCount"])


def new_segment(system: System) -> BigSegment:
    """Create an empty big segment."""
    key = f"segment-{next(_numbers)}"
    body = {"key": key, "name": key, "unbounded": True}
    reply = system.http.post(SEGMENTS, json=body)
    assert reply.status_code == 201, reply.text
    return BigSegment(system, ListRef("default", "production", key, reply.json()["generation"]))


def random_keys(count: int, seed: int = 1) -> list[str]:
    """Distinct UUIDs, the same for a seed; modules make 200,000 of them, so it has to be quick."""
    digits = np.frombuffer(random.Random(seed).randbytes(16 * count).hex().encode(), np.uint8)
    digits = digits.reshape(count, 32)
    lines = np.full((count, 37), ord("-"), np.uint8)
    for start, end, at in ((0, 8, 0), (8, 12, 9), (13, 16, 15), (17, 20, 20), (20, 32, 24)):
        lines[:, at : at + end - start] = digits[:, start:end]
    lines[:, 14], lines[:, 19], lines[:, 36] = ord("4"), ord("a"), ord("\n")
    return lines.tobytes().decode().splitlines()


def csv_of(keys: Iterable[str]) -> bytes:
    """One key a line."""
    return "".join(f"{key}\n" for key in keys).encode()


def put_list(system: System, content: bytes, name: str = "") -> str:
    """Put a list file where imports may read from; its key."""
    key = f"lists/{name or f'list-{next(_numbers)}.csv'}"
    with system.objects.open_writer(key) as writer:
        writer.write(content)
    return key


def delete_all_segments(system: System) -> None:
    """Delete every segment of the environment, and those of the project itself."""
    own = "/v1/projects/default/feature-flags/segments"
    for one in system.http.get(own).json()["data"]:
        reply = system.http.delete(f"{own}/{one['id']}")
        assert reply.status_code == 204, reply.text
    while shown := system.http.get(f"{SEGMENTS}?limit=1000").json()["items"]:
        for one in shown:
            reply = system.http.delete(f"{SEGMENTS}/{one['key']}")
            assert reply.status_code == 204, reply.text


def assert_nothing_left(system: System, *segments: BigSegment) -> None:
    """Wait until only the live revisions of these segments are left of all lists and jobs.

    Looks at shards, journals, claims, the sets that upkeep works from, reserved memory,
    spills and uploads, finished or not.
    """
    found: list[str] = []

    def tidy() -> bool:
        found[:] = _left_over(system, segments)
        return not found

    try:
        wait_until(tidy, "everything is tidied up", LIMIT_S)
    except TimeoutError:
        raise AssertionError(f"left behind: {found[:20]}\n{system.logs()}") from None


def _left_over(system: System, segments: Iterable[BigSegment]) -> Iterator[str] | list[str]:
    store, keys = system.store, system.store.keyspace
    expected: set[str] = set()
    for segment in segments:
        expected.add(keys.list_record(segment.ref))
        live = store.memberships.state(segment.ref).live
        for side in (INCLUDED, EXCLUDED):
            for index in range(live.shard_count(side)):
                expected.add(keys.shard(segment.ref, live.name, side, index))
    present: set[str] = set()
    with system.server.client() as client:
        for env in (PRODUCTION, ATTACHED):
            tag = f"{keys.prefix}:{{{env.project}:{env.environment}:"
            present |= {key.decode() for key in client.scan_iter(f"{tag}*", 5_000)}
    found = sorted(present ^ expected)
    for segment in segments:
        fields = store.client.hkeys(keys.list_record(segment.ref))
        found += [
            name.decode()
            for name in fields
            if name.startswith((b"building", b"target", b"retired:", b"reclaim:", b"pin:"))
        ]
    for env in (PRODUCTION, ATTACHED):
        found += map(str, store.jobs.active(env))
        found += map(str, store.client.smembers(keys.reclaimable_lists(env)))
    found += map(str, store.client.hgetall(keys.reservations()))
    for kind in ("spills", "uploads"):
        found += [info.key for info in list_objects(system.objects, f"{INTERNAL_PREFIX}{kind}/")]
    found += _stray_rejected_rows(system, segments)
    found += system.open_uploads()
    if system.spill_dir.exists():
        found += [str(path) for path in system.spill_dir.iterdir()]
    return found


def _stray_rejected_rows(system: System, segments: Iterable[BigSegment]) -> Iterator[str]:
    """Files of rejected rows of other lists, and all but one of the same import."""
    prefix = f"{INTERNAL_PREFIX}rejected/"
    names = [info.key.removeprefix(prefix) for info in list_objects(system.objects, prefix)]
    owners = [name.rpartition("/")[0] for name in names]
    own = tuple(
        f"{ref.project}/{ref.environment}/{ref.name}/" for ref in (one.ref for one in segments)
    )
    for name, owner in zip(names, owners, strict=True):
        if not name.startswith(own) or owners.count(owner) > 1:
            yield name
