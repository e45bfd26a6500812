"""What the API says of imports: each by its id, and those of a segment as a list."""

import httpx
import pytest

from tests.support.clients.imports import post_list
from tests.support.servers.api import PRODUCTION, SEGMENTS, assert_refused, create_segment
from worker.store import ImportRequest, JobRef, Store
from worker.store.jobs import Unit, share_entry

FIGURES_OF_A_FILE = ("rows", "valid", "rejected", "sizeBytes", "etag", "readAs")


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def test_get__import_just_accepted__has_all_fields(client: httpx.Client, segment: str) -> None:
    location = post_list(client, segment).headers["location"]

    shown = client.get(location).json()

    import_id = location.rpartition("/")[2]
    created = shown.pop("creationTime")
    assert isinstance(created, int)
    assert shown == {
        "id": import_id,
        "segmentKey": segment,
        "mode": "merge",
        "target": "included",
        "status": "ready",
        "files": [{"filename": "list.csv", "status": "ready"} | dict.fromkeys(FIGURES_OF_A_FILE)],
        "filesTotal": 1,
        "filesSkipped": None,
        "_links": {
            "self": {"href": location, "type": "application/json"},
            "parent": {"href": f"{SEGMENTS}/{segment}", "type": "application/json"},
        },
        "stage": "plan",
        "reason": None,
        "progress": {
            "stage": "plan",
            "phase": "queued",
            "percent": 0.0,
            "bytesDone": 0,
            "bytesTotal": 0,
            "rowsDone": 0,
            "rate": None,
            "etaSeconds": None,
        },
        "report": None,
        "previousImport": None,
        "supersedes": None,
        "detected": None,
        "initiator": {"name": "admin token"},
        "inbox": None,
        "guard": None,
        "dryRun": False,
        "composition": None,
    }
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is True


def test_get__import_that_is_complete__passes_the_report_through(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = post_list(client, segment).headers["location"]
    ref = JobRef("import", PRODUCTION, location.rpartition("/")[2])
    report = {"rowsRead": 3, "accepted": 3, "rejectedSample": [{"row": 1, "reason": "blank"}]}
    store.jobs.end(ref, "complete", report=report, keep_s=600)

    shown = client.get(location).json()

    assert shown["status"] == "complete"
    assert [file["status"] for file in shown["files"]] == ["complete"]
    assert shown["report"] == report
    progress = shown["progress"]
    assert (progress["phase"], progress["percent"], progress["etaSeconds"]) == ("ended", 100, 0)


def test_get__import_at_each_stage__says_how_much_of_the_whole_is_done(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = post_list(client, segment).headers["location"]
    ref = JobRef("import", PRODUCTION, location.rpartition("/")[2])
    seen: list[tuple[str, float]] = []

    def look() -> None:
        progress = client.get(location).json()["progress"]
        seen.append((progress["phase"], progress["percent"]))
        if progress["percent"]:
            assert progress["etaSeconds"] >= 0

    for stage, following, units in (
        ("plan", "scatter", 2),
        ("scatter", "size", 1),
        ("size", "gather", 4),
        ("gather", "publish", 1),
    ):
        unit = store.jobs.take(ref, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        share = share_entry(stage, unit.number, 0.5)
        store.jobs.renew(ref, unit, lease_ms=60_000, rows=1, size_bytes=3, share=share)
        look()
        assert store.jobs.advance(ref, stage, following, units)
    store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)
    look()

    assert seen == [
        ("reading", 0.5),
        ("reading", 8.5),
        ("reading", 31.5),
        ("building", 39.5),
        ("ended", 92.0),
    ]


def test_list__imports_of_a_segment__come_newest_first_and_page_by_page(
    client: httpx.Client, store: Store, segment: str
) -> None:
    path = f"{SEGMENTS}/{segment}/imports"
    assert client.get(path).json() == {
        "items": [],
        "_links": {"self": {"href": f"{path}?limit=20&offset=0", "type": "application/json"}},
        "totalCount": 0,
    }
    locations: list[str] = []
    for _ in range(3):
        locations.insert(0, post_list(client, segment).headers["location"])
        ref = JobRef("import", PRODUCTION, locations[0].rpartition("/")[2])
        store.builds.cancel(store.segments.get(PRODUCTION, segment).ref, ref.job_id)
        store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)

    whole = client.get(path).json()
    page = client.get(path, params={"limit": 2, "offset": 1}).json()

    assert [item["_links"]["self"]["href"] for item in whole["items"]] == locations
    assert whole["items"][0] == client.get(locations[0]).json()
    assert page["items"] == whole["items"][1:]
    assert (whole["totalCount"], page["totalCount"]) == (3, 3)
    assert set(page["_links"]) == {"self", "first", "prev"}
    assert_refused(client.get(path, params={"limit": 101}), 400, "invalid_request")
    assert_refused(client.get(f"{SEGMENTS}/no-such/imports"), 404, "not_found")


def test_list__of_a_deleted_and_recreated_segment__starts_empty(client: httpx.Client) -> None:
    key = create_segment(client)
    post_list(client, key)
    client.delete(f"{SEGMENTS}/{key}")
    client.post(SEGMENTS, json={"key": key, "name": key, "unbounded": True})

    assert client.get(f"{SEGMENTS}/{key}/imports").json()["totalCount"] == 0


@pytest.mark.parametrize(
    "import_id", ["x", "11111111-1111-4111-8111-111111111111", "a:b", "%7B%7D", "..%2e"]
)
def test_get__unknown_import__is_not_found(
    client: httpx.Client, segment: str, import_id: str
) -> None:
    assert_refused(client.get(f"{SEGMENTS}/{segment}/imports/{import_id}"), 404, "not_found")


def test_get__import_of_another_segment__is_not_found(client: httpx.Client, segment: str) -> None:
    import_id = post_list(client, segment).headers["location"].rpartition("/")[2]
    other = create_segment(client)

    assert_refused(client.get(f"{SEGMENTS}/{other}/imports/{import_id}"), 404, "not_found")


def test_get__rebuild_of_the_stores_own__is_not_found(
    client: httpx.Client, store: Store, segment: str
) -> None:
    ref = store.segments.get(PRODUCTION, segment).ref
    own = "11111111-2222-4333-8444-555555555555"
    store.jobs.create(
        ImportRequest(own, ref, "reshard", (), allow_empty=True, created_ms=1),
        stage="plan",
        units=1,
    )

    assert_refused(client.get(f"{SEGMENTS}/{segment}/imports/{own}"), 404, "not_found")
