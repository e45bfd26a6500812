"""Many objects as one import: found, skipped, pinned, read each on its own, and added up."""

import bz2
import dataclasses
import gzip
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.servers.objects import ObjectServer, list_objects
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports.planning.plan import plan_import
from worker.imports.stage_run import StageRun
from worker.jobs.progress import UnitProgress
from worker.objects import ObjectInfo, ObjectStore
from worker.options.lists import ListOptions
from worker.store import ImportRequest, JobState, SourceFile
from worker.store.jobs import FileFigures, ImportFile, Unit

_folders = itertools.count(1)


@pytest.fixture(scope="module")
def imports(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, import_objects=400) as running:
        yield running


@pytest.fixture
def folder() -> str:
    """A folder of its own below the allowed prefix."""
    return f"lists/many-{next(_folders)}/"


def named(imports: Imports, key: str, kind: Any = "prefix") -> SourceFile:
    address = f"s3://{imports.services.objects.bucket}/{key}"
    return SourceFile(imports.services.objects.bucket, key, address, uploaded=False, kind=kind)


def run(
    imports: Imports, *sources: SourceFile, mode: str = "merge", **options: Any
) -> tuple[ImportRequest, JobState]:
    request = imports.start_from(imports.list_of(), sources, mode, **options)
    return request, imports.finish(request)


def completed(imports: Imports, *sources: SourceFile, **options: Any) -> tuple[set[str], JobState]:
    request, state = run(imports, *sources, **options)
    assert state.status == "complete", state.reason
    return imports.members(request.list_ref), state


def table(imports: Imports, state: JobState) -> list[tuple[ImportFile, FileFigures]]:
    store, ref = imports.services.store.import_files, state.request.ref
    assert state.files is not None
    page = store.read_page(ref, state.files.attempt, 0, 10_000)
    return [(file, figures) for file, figures in page if figures is not None]


def parquet(*keys: str) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"user": keys}), file)
    return file.getvalue()


def test_prefix__files_of_every_form__each_is_read_on_its_own(
    imports: Imports, folder: str
) -> None:
    contents = [
        b"\xef\xbb\xbfuser\r\na\r\nb",  # a mark, a header, no end of the last line
        gzip.compress(b"user\nc\nd\n"),
        bz2.compress('user\n"e'.encode("utf-16")),  # a quote left open ends with its file
        parquet("f", "a"),
        b'{"user": "g"}\n{"user": "h"}\n',
        b"id;user\n1;i\n2;\n",
    ]
    for number, content in enumerate(contents):
        imports.put(f"{folder}{number}.csv", content)

    members, state = completed(
        imports,
        named(imports, folder),
        reading=ListOptions(column="user"),
        allow_rejected=True,
    )

    assert members == set("abcdefghi")
    files = table(imports, state)
    assert [figures.rows for _, figures in files] == [2, 2, 1, 2, 2, 2]
    assert [figures.valid for _, figures in files] == [2, 2, 1, 2, 2, 1]
    report: Any = state.report
    assert report["rowsRead"] == 11
    assert report["accepted"] + report["duplicates"] == 10
    last = f"s3://{imports.services.objects.bucket}/{folder}5.csv"
    assert report["rejectedSample"] == [{"file": last, "row": 3, "reason": "blank"}]
    warnings = {warning["kind"]: warning for warning in report["warnings"]}
    assert warnings["mixed_forms"]["count"] == 5
    assert warnings["open_quote"]["files"] == [last.replace("5.csv", "2.csv")]
    assert warnings["open_quote"]["rows"] == [2]
    assert state.detected is not None
    assert (state.detected.format, state.detected.header) == ("csv", True)


def test_prefix__field_that_one_file_has__read_where_it_is(imports: Imports, folder: str) -> None:
    for number, content in enumerate((b'{"id":1}\n{"id":2}\n', b'{"id":3,"user":"a"}\n{}\n')):
        imports.put(f"{folder}{number}.jsonl", content)
    reading = ListOptions(column="user")
    members, _ = completed(imports, named(imports, folder), reading=reading, allow_rejected=True)
    assert members == {"a"}


def test_prefix__files_that_begin_with_an_index__are_counted_each_from_its_start(
    imports: Imports, folder: str
) -> None:
    for number in range(3):
        content = b"id,user\n0,a\n1,b\n2,c\n"
        imports.put(f"{folder}{number}.csv", gzip.compress(content) if number == 1 else content)

    _, state = completed(imports, named(imports, folder))

    assert state.report is not None
    warnings = {warning["kind"]: warning for warning in state.report["warnings"]}
    assert warnings["header"]["count"] == 3
    assert warnings["index_column"]["count"] == 9
    assert warnings["index_column"]["rows"] == [2, 3, 4] * 3


def test_prefix__many_files__figures_of_each_that_add_up(imports: Imports, folder: str) -> None:
    for number in range(60):
        imports.put(f"{folder}part-{number:03d}", f"k-{number}\n\nshared\n".encode())

    members, state = completed(imports, named(imports, folder))

    assert members == {"shared", *(f"k-{number}" for number in range(60))}
    files = table(imports, state)
    assert [file.key[-3:] for file, _ in files] == [f"{number:03d}" for number in range(60)]
    report: Any = state.report
    assert report["rowsRead"] == sum(figures.rows for _, figures in files) == 180
    assert report["rejected"] == sum(each.rows - each.valid for _, each in files) == 60
    assert (report["accepted"], report["duplicates"]) == (61, 59)
    record = imports.services.store.client.hgetall(
        imports.services.store.keyspace.job(
            state.request.list_ref.env, "import", state.request.ref.job_id
        )
    )
    assert sum(map(len, record.values())) < 20_000  # most of it the sample of rejected rows


def test_glob__of_several_chunks__large_files_are_cut_and_small_ones_joined(
    valkey_server: Server, s3_stand_in: ObjectServer
) -> None:
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=4_096) as imports:
        expected = set()
        for number in range(40):
            # Every tenth is cut, and its rows hold line breaks.
            keys = [f"{number}-{row}" for row in range(900 if number % 10 == 5 else 30)]
            expected |= set(keys)
            content = "".join(f'{key},"x\ny"\n' for key in keys)
            imports.put(f"lists/cut/{number:02d}/part.csv", content.encode())
        imports.put("lists/cut/99/deeper/part.csv", b"no\n")

        members, state = completed(imports, named(imports, "lists/cut/*/p?rt.[a-c]sv", "glob"))

        assert members == expected
        figures = [each for _, each in table(imports, state)]
        assert [each.rows for each in figures] == [
            900 if number % 10 == 5 else 30 for number in range(40)
        ]
        assert list_objects(imports.services.objects, "bigseg-internal/spills/") == []


def test_prefix__what_is_no_list__is_skipped_and_counted(imports: Imports, folder: str) -> None:
    names = [
        *("_SUCCESS", "_committed_1", "_started_1", ".part.csv.crc", "part.csv.crc"),
        *("_temporary/0/part.csv", ".hidden/a.csv", "sub/", "empty.csv"),
    ]
    for name in names:
        imports.put(folder + name, b"" if name in ("sub/", "empty.csv") else b"no\n")
    imports.put(f"{folder}_day=1/part.csv", b"a\n")
    imports.put(f"{folder}sub/part.csv", b"b\n")

    members, state = completed(imports, named(imports, folder), named(imports, folder))

    assert members == {"a", "b"}
    assert state.files is not None
    assert state.files.total == 2
    assert state.files.skipped == {
        "hidden": 2 * 5,
        "checksum": 2 * 2,
        "folder": 2,
        "empty": 2,
        "repeated": 2,
    }
    address = f"s3://{imports.services.objects.bucket}/{folder}"
    assert (f"{address}_SUCCESS", "hidden") in state.files.skipped_first


def test_source__named_itself__is_not_skipped(imports: Imports, folder: str) -> None:
    for name in ("_SUCCESS", "empty", "what?.csv", "whatx.csv"):
        imports.put(folder + name, b"" if name == "empty" else b"%d\n" % len(name))

    members, state = completed(
        imports,
        named(imports, f"{folder}_SUCCESS", "object"),
        named(imports, f"{folder}empty", "object"),
        named(imports, f"{folder}what?.csv", "glob"),
    )

    assert members == {"8", "9"}
    assert [figures.rows for _, figures in table(imports, state)] == [1, 0, 1]


def manifest(imports: Imports, folder: str, *entries: dict[str, Any]) -> SourceFile:
    for entry in entries:
        entry["url"] = f"s3://{imports.services.objects.bucket}/{folder}{entry['url']}"
    imports.put(f"{folder}list.manifest", json.dumps({"entries": entries}).encode())
    return named(imports, f"{folder}list.manifest", "manifest")


def test_manifest__of_redshift__its_objects(imports: Imports, folder: str) -> None:
    for name in ("a", "b"):
        imports.put(folder + name, name.encode())

    members, state = completed(
        imports,
        manifest(
            imports,
            folder,
            {"url": "b", "meta": {"content_length": 1}},
            {"url": "a", "mandatory": True},
            {"url": "gone", "mandatory": False},
            {"url": "a"},
        ),
    )

    assert members == {"a", "b"}
    assert [file.key[-1] for file, _ in table(imports, state)] == ["b", "a"]
    assert state.files is not None
    assert state.files.skipped == {"missing": 1, "repeated": 1}


def test_manifest__of_many_objects_of_a_folder__lists_it_and_looks_at_the_others(
    imports: Imports, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[str] = []
    head = ObjectStore.head

    def counted(objects: ObjectStore, key: str, **options: Any) -> ObjectInfo:
        heads.append(key)
        return head(objects, key, **options)

    entries: list[dict[str, Any]] = []
    for number in range(70):
        imports.put(f"{folder}day/{number}", b"%d\n" % number)
        entries.append({"url": f"day/{number}", "meta": {"content_length": len(f"{number}\n")}})
    imports.put(f"{folder}other", b"x\n")
    entries += [{"url": "other"}, {"url": "day/none", "mandatory": False}]
    source = manifest(imports, folder, *entries)
    monkeypatch.setattr(ObjectStore, "head", counted)

    members, state = completed(imports, source)

    assert members == {"x", *map(str, range(70))}
    assert state.files is not None
    assert state.files.skipped == {"missing": 1}
    assert sorted(heads) == [f"{folder}{name}" for name in ("day/none", "list.manifest", "other")]


def test_manifest__of_lines__its_objects(imports: Imports, folder: str) -> None:
    bucket = imports.services.objects.bucket
    imports.put(f"{folder}a*", b"a\n")
    imports.put(f"{folder}m", f"\ufeffs3://{bucket}/{folder}a*\r\n\r\n".encode())

    members, _ = completed(imports, named(imports, f"{folder}m", "manifest"))

    assert members == {"a"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"url": "gone"}, "there is no s3://.*gone, which the manifest names"),
        ({"url": "a", "meta": {"content_length": 7}}, "has 1 bytes, and the manifest says 7"),
        ({"url": "../a"}, "'..' in it"),
        ({"url": "day/"}, "entry 1 of the manifest .* is a folder"),
        ({"url": "a", "mandatory": "yes"}, "mandatory of entry 1 .* neither true nor false"),
    ],
)
def test_manifest__entry_that_cannot_be__stops_with_its_name(
    imports: Imports, folder: str, entry: dict[str, Any], reason: str
) -> None:
    imports.put(f"{folder}a", b"a")

    _, state = run(imports, manifest(imports, folder, entry))

    assert state.status == "stopped"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(state.reason)


def test_files__over_the_limit_or_none__stop_with_the_reason(imports: Imports, folder: str) -> None:
    imports.put(f"{folder}_SUCCESS", b"x")
    _, none = run(imports, named(imports, folder))
    for number in range(3):
        imports.put(f"{folder}{number}", b"x\n")
    settings = imports.services.settings.model_copy(update={"import_objects": 2})
    few = Imports(dataclasses.replace(imports.services, settings=settings))
    _, many = run(few, named(few, f"{folder}[0-9]", "glob"))

    assert none.reason == (
        f"s3://{imports.services.objects.bucket}/{folder} names no object that could be a list; "
        "what is there was skipped (1 hidden)"
    )
    assert "over 2 objects are named" in str(many.reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body>no</body></html>", "p-1: the file is an HTML page"),
        (b'"' + b"x" * (2 << 20), "p-1 is over 1 MiB"),
        (gzip.compress(b"a\n" * 99)[:-9], "p-1: the list cannot be decompressed"),
    ],
    ids=["HTML", "row over the limit", "gzip cut short"],
)
def test_file__that_cannot_be_read__stops_with_its_name(
    imports: Imports, folder: str, content: bytes, reason: str
) -> None:
    for number in range(20):
        imports.put(f"{folder}p-{number}", content if number == 1 else b"a\n")

    request, state = run(imports, named(imports, folder))

    assert state.status == "stopped"
    assert reason in str(state.reason)
    assert imports.members(request.list_ref) == set()


def plan(imports: Imports, request: ImportRequest) -> None:
    """Do the plan alone."""
    services, ref = imports.services, request.ref
    unit = services.store.jobs.take(ref, lease_ms=60_000, most_tries=5)
    assert isinstance(unit, Unit)
    plan_import(StageRun(services, request, unit, UnitProgress(services, ref, unit)))


@pytest.mark.parametrize("change", ["replaced", "gone"])
def test_file__that_changes_after_the_plan__stops_with_its_name(
    imports: Imports, folder: str, change: str
) -> None:
    for name in ("a", "b", "c"):
        imports.put(folder + name, b"x\n")
    request = imports.start_from(imports.list_of(), [named(imports, folder)])
    plan(imports, request)
    if change == "gone":
        imports.services.objects.delete(f"{folder}b")
    else:
        imports.put(f"{folder}b", b"y\n")

    state = imports.finish(request)

    assert state.status == "stopped"
    assert f"{folder}b" in str(state.reason)
    assert ("is gone" if change == "gone" else "the list changed") in str(state.reason)
