"""Many objects in S3 as one import, through the API and a real worker."""

import gzip
import json
from typing import Any

from tests.support.systems.driving import BigSegment, new_segment, put_list
from tests.support.systems.system import System


def start(segment: BigSegment, mode: str = "merge", **named: Any) -> str:
    reply = segment.system.http.post(
        f"{segment.path}/imports/from-source", json={**named, "mode": mode}
    )
    assert reply.status_code == 202, reply.text
    return str(reply.headers["location"].rpartition("/")[2])


def files_of(segment: BigSegment, import_id: str, **page: int) -> dict[str, Any]:
    reply = segment.system.http.get(f"{segment.path}/imports/{import_id}/files", params=page)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_prefix__some_hundred_objects__one_revision_and_figures_of_each(system: System) -> None:
    for number in range(130):
        content = f"key-{number}\n\nof-all\n".encode()
        put_list(system, content if number % 2 else gzip.compress(content), f"many/{number:03d}")
    put_list(system, b"no\n", "many/_SUCCESS")
    segment = new_segment(system)
    segment.edit(add=["old"])
    address = f"s3://{system.bucket}/lists/many/"

    import_id = start(segment, "replace", source=address)
    report = segment.completed(import_id)

    assert segment.members() == {"of-all", *(f"key-{number}" for number in range(130))}
    shown = segment.ended(import_id)
    assert (shown["filesTotal"], len(shown["files"])) == (130, 100)
    assert shown["filesSkipped"] == {
        "total": 1,
        "byReason": {"hidden": 1},
        "first": [{"filename": f"{address}_SUCCESS", "reason": "hidden"}],
    }
    page = files_of(segment, import_id, limit=1000)
    assert page["totalCount"] == len(page["items"]) == 130
    assert [file["filename"] for file in page["items"]] == [
        f"{address}{number:03d}" for number in range(130)
    ]
    assert page["items"][:100] == shown["files"]
    assert {(file["rows"], file["valid"], file["rejected"]) for file in page["items"]} == {
        (3, 2, 1)
    }
    assert page["items"][1]["readAs"] == "csv, utf-8, comma"
    assert all(len(file["etag"]) == 32 and file["sizeBytes"] for file in page["items"])
    assert (report["rowsRead"], report["accepted"], report["duplicates"]) == (390, 131, 129)
    assert report["rejectedSample"][1] == {"file": f"{address}001", "row": 2, "reason": "blank"}
    (mixed,) = [each for each in report["warnings"] if each["kind"] == "mixed_forms"]
    assert mixed["count"] == 65
    assert files_of(segment, import_id, limit=9, offset=128)["items"] == page["items"][128:]


def test_sources_and_manifest__of_several_folders__are_one_revision(system: System) -> None:
    segment = new_segment(system)
    bucket = system.bucket
    for name in ("day=1/a", "day=1/.a.crc", "day=2/b", "day=2/c"):
        put_list(system, f"{name[-1]}\n".encode(), f"days/{name}")
    entries = [{"url": f"s3://{bucket}/lists/days/day=2/{name}"} for name in ("b", "c")]
    put_list(system, json.dumps({"entries": entries}).encode(), "days.manifest")
    named = [f"s3://{bucket}/lists/days/*=1/", f"s3://{bucket}/lists/days/day=2/b"]

    merged = segment.completed(start(segment, sources=named))
    replaced = segment.completed(
        start(segment, "replace", manifest=f"s3://{bucket}/lists/days.manifest")
    )

    assert (merged["accepted"], replaced["accepted"]) == (2, 2)
    assert segment.members() == {"b", "c"}
