"""The file of an import's rejected rows, over the wire and by the command line."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
)
from tests.support.systems.held_imports import hold_import
from worker.objects import ObjectStore, rejected_key
from worker.store import JobRef, Store
from worker.store.jobs import REJECTED, RejectedFile

CONTENT = b'file,row,offset,reason,cell\nlist.csv,2,2,blank,""\n'
_REPORT = {
    "rowsRead": 2,
    "accepted": 1,
    "duplicates": 0,
    "rejected": 1,
    "rejectedByReason": {"blank": 1},
    "membersBefore": 0,
    "added": 1,
    "removed": 0,
    "unchanged": 0,
    "rejectedSample": [{"row": 2, "reason": "blank"}],
    "warnings": [],
}

Started = tuple[str, JobRef]


@pytest.fixture
def started(client: httpx.Client) -> Started:
    """The address of an import that no worker has looked at, and its name."""
    segment = create_segment(client)
    reply = client.post(f"{SEGMENTS}/{segment}/imports", files={"file": ("list.csv", b"a\n\n")})
    location = reply.headers["location"]
    return location, JobRef("import", PRODUCTION, location.rpartition("/")[2])


@pytest.fixture
def write(store: Store, objects: ObjectStore) -> Callable[[JobRef], str]:
    """Does what a worker does when all rows are read; gives the object's key."""

    def write(ref: JobRef) -> str:
        key = rejected_key(("p", "e", "s.g1"), ref.job_id, attempt="t")
        with objects.open_writer(key) as writer:
            writer.write(CONTENT)
        info = writer.close()
        file = RejectedFile(info.bucket, info.key, info.size_bytes, info.etag)
        store.jobs.write(ref, REJECTED, file)
        return key

    return write


def test_download__all_rows_read__streams_the_file_whole_or_in_part(
    api: Api,
    client: httpx.Client,
    objects: ObjectStore,
    started: Started,
    write: Callable[[JobRef], str],
) -> None:
    location, ref = started
    assert "rejectedRows" not in client.get(location).json()["_links"]
    key = write(ref)

    link = client.get(location).json()["_links"]["rejectedRows"]
    whole, head = client.get(link["href"]), client.head(link["href"])
    rest = {"Range": "bytes=28-", "If-Range": whole.headers["etag"]}

    assert link == {"href": f"{location}/rejected", "type": "text/csv"}
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    assert whole.headers["content-disposition"].endswith('-rejected.csv"')
    assert head.headers["content-length"] == str(len(CONTENT))
    assert client.get(link["href"], headers=rest).content == CONTENT[28:]
    assert_refused(httpx.get(api.url + link["href"]), 401, "unauthorized")
    objects.delete(key)
    assert "were deleted" in assert_refused(client.get(link["href"]), 404, "not_found")


def test_download__without_a_file__says_why(
    client: httpx.Client, store: Store, started: Started
) -> None:
    location, ref = started

    def why() -> str:
        return assert_refused(client.get(f"{location}/rejected"), 404, "not_found")

    assert "no rejected rows yet: it is ready" in why()
    store.jobs.end(ref, "stopped", reason="for a test", keep_s=600)
    assert "stopped before all rows were read" in why()


def test_rejected_rows_and_preview__segment_deleted_and_created_again__are_not_shown(
    client: httpx.Client, store: Store, started: Started, write: Callable[[JobRef], str]
) -> None:
    location, ref = started
    segment = location.rpartition("/imports/")[0]
    write(ref)
    hold_import(store, ref, ["a"])
    shown = [f"{location}/rejected", f"{location}/preview"]
    assert [client.get(path).status_code for path in shown] == [200, 200]

    assert client.delete(segment).status_code == 204
    body = {"key": segment.rpartition("/")[2], "name": "again", "unbounded": True}
    assert client.post(SEGMENTS, json=body).status_code == 201

    for path in shown:
        assert "is deleted" in assert_refused(client.get(path), 404, "not_found")


@pytest.mark.parametrize(("rejected", "reason"), [(0, "no row of"), (1, "an earlier version")])
def test_download__complete_without_a_file__says_why(
    client: httpx.Client, store: Store, started: Started, rejected: int, reason: str
) -> None:
    location, ref = started
    store.jobs.end(ref, "complete", report=_REPORT | {"rejected": rejected}, keep_s=600)

    assert reason in assert_refused(client.get(f"{location}/rejected"), 404, "not_found")


@pytest.mark.parametrize(("rejected", "named"), [(10, False), (11, True)])
def test_command__show__names_the_command_for_rows_that_it_does_not_show(
    run: Run,
    store: Store,
    started: Started,
    write: Callable[[JobRef], str],
    rejected: int,
    named: bool,
) -> None:
    location, ref = started
    write(ref)
    store.jobs.end(ref, "complete", report=_REPORT | {"rejected": rejected}, keep_s=600)

    shown = run("imports", "show", ref.job_id, "--segment", location.split("/")[-3])

    assert (f"imports rejected {ref.job_id} --out rejected.csv" in shown.stderr) == named


def test_command__rejected__writes_the_file(
    run: Run, started: Started, write: Callable[[JobRef], str], tmp_path: Path
) -> None:
    location, ref = started
    write(ref)
    segment, file = location.split("/")[-3], tmp_path / "rejected.csv"
    words = ("imports", "rejected", ref.job_id, "--segment", segment)

    assert run(*words).stdout.encode() == CONTENT
    done = run(*words, "--out", str(file), "--json")

    assert file.read_bytes() == CONTENT
    assert json_of(done) == {"file": str(file), "sizeBytes": len(CONTENT)}
    assert "--out FILE" in run(*words, "--json").stderr
