"""All rejected rows of an import end up in one file, which is kept and deleted in time."""

import csv
import gzip
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.lists.files import reference_outcome
from tests.support.servers.objects import ObjectServer, list_objects
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports import rejected_rows
from worker.imports.rejected_rows import RejectedPart
from worker.lists.keys.validation import RejectReason
from worker.lists.rejected_rows import read_part
from worker.objects import ObjectInfo, ObjectStoreUnavailable
from worker.objects.layout import INTERNAL_PREFIX
from worker.options.guards import GuardOptions, OnGuard
from worker.options.lists import ListOptions
from worker.store import JobState, SourceFile
from worker.store.jobs import REJECTED, ImportRequest
from worker.store.workflows import reclaim_list, remove_segment
from worker.upkeep.tidy import expire_rejected

HEADER = ["file", "row", "offset", "reason", "cell"]


@pytest.fixture(scope="module")
def imports(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=1_024) as running:
        yield running


def _lines(imports: Imports, state: JobState) -> list[list[str]]:
    file = state.rejected
    assert file is not None
    info = ObjectInfo(file.bucket, file.key, file.size_bytes, file.etag)
    content = b"".join(imports.services.objects.read_range(info, 0, file.size_bytes))
    lines = [*csv.reader(io.StringIO(content.decode(), newline=""))]
    assert lines[0] == HEADER
    return lines[1:]


def _kept(imports: Imports, state: JobState) -> list[str]:
    """What the bucket holds of an import beside its upload."""
    found = list_objects(imports.services.objects, INTERNAL_PREFIX)
    return [info.key for info in found if state.request.ref.job_id in info.key]


def _messy(rows: int) -> bytes:
    """A file of which a third is rejected, with quotes that go on over many lines."""
    pick = random.Random(7)
    cells = (
        "key-%d",
        "key-%d",
        "key-%d",
        "",
        '"%d\n\n\r\nlines"',
        "\x07%d",
        '"%d\n' + "x\n" * 600 + '"',
    )
    weights = (9, 9, 9, 3, 3, 3, 0.1)
    chosen = pick.choices(cells, weights, k=rows)
    return "\n".join(
        cell % number if "%" in cell else cell for number, cell in enumerate(chosen)
    ).encode()


def _expected(content: bytes) -> list[list[str]]:
    """The bad rows by Python's csv module."""
    lines = io.StringIO(content.decode(), newline="").readlines()
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    found, first_line, rows = [], 0, csv.reader(lines)
    for number, row in enumerate(rows, 1):
        cell = row[0] if row else ""
        reason = reference_outcome(cell.encode())
        if isinstance(reason, RejectReason):
            shown = cell
            if reason is RejectReason.TOO_LONG:
                shown = cell[:1_024] + "\u2026[cut]"
            found.append(["list", str(number), str(starts[first_line]), reason.label, shown])
        first_line = rows.line_num
    return found


def test_rejected_rows__of_many_chunks_cut_within_quotes__are_those_of_the_csv_module(
    imports: Imports,
) -> None:
    content = _messy(2_000)

    state = imports.run(imports.list_of(), content)

    assert state.status == "complete", state
    assert state.report is not None
    lines = _lines(imports, state)
    assert lines == _expected(content)
    assert len(lines) == state.report["rejected"] > 500
    sample = [[str(row["row"]), row["reason"]] for row in state.report["rejectedSample"]]
    assert sample == [[line[1], line[3]] for line in lines[:100]]
    assert _kept(imports, state) == [state.rejected and state.rejected.key]


@pytest.mark.parametrize(("policy", "status"), [("stop", "stopped"), ("pend", "pending_approval")])
def test_rejected_rows__of_an_import_to_which_a_guard_objects__are_there(
    imports: Imports, policy: OnGuard, status: str
) -> None:
    guards = GuardOptions(on_guard=policy)

    state = imports.run(imports.list_of(), b"a\n\x01\n\x02\n", guards=guards)

    assert state.status == status
    assert [line[1:] for line in _lines(imports, state)] == [
        ["2", "2", "control_character", "\x01"],
        ["3", "4", "control_character", "\x02"],
    ]


def test_rejected_rows__none__leave_no_file(imports: Imports) -> None:
    state = imports.run(imports.list_of(), b"a\nb\n")

    assert (state.status, state.rejected, _kept(imports, state)) == ("complete", None, [])


def test_rejected_rows__of_parquet__have_no_offset(imports: Imports) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"key": ["a", None, "x" * 2_000, "b", "c"]}), file, row_group_size=2)

    state = imports.run(imports.list_of(), file.getvalue())

    cut = "x" * 1_024 + "\u2026[cut]"
    assert _lines(imports, state) == [
        ["list", "2", "", "blank", ""],
        ["list", "3", "", "too_long", cut],
    ]


def test_rejected_rows__of_several_files__are_those_of_each(imports: Imports) -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"user": ["p", None, "q"]}), table)
    large = b"user\n" + _messy(500)
    texts = [b"user\na\n\x01\n\n", b"user\nb\n", b'user\n"\x02\n\n"\nc\n\n', large, b"user\n\n"]
    contents = [texts[0], texts[1], gzip.compress(texts[2]), table.getvalue(), large, texts[4]]
    sources = []
    for number, content in enumerate(contents):
        info = imports.put(f"lists/several-{number}", content)
        name = f"{number}, of several"
        sources.append(SourceFile(info.bucket, info.key, name, uploaded=False))
    request = imports.start_from(
        imports.list_of(), sources, allow_rejected=True, reading=ListOptions(column="user")
    )

    state = imports.finish(request)

    assert state.status == "complete", state.reason
    lines, names = _lines(imports, state), [source.filename for source in sources]
    read = [
        *((name, _expected(text)) for name, text in zip(names, texts[:3], strict=False)),
        (names[3], [["", "2", "", "blank", ""]]),
        *((name, _expected(text)) for name, text in zip(names[4:], texts[3:], strict=True)),
    ]
    assert lines == [[name, *line[1:]] for name, expected in read for line in expected]
    assert state.report is not None
    assert len(lines) == state.report["rejected"] > 100
    sample = [
        [row["file"], str(row["row"]), row["reason"]] for row in state.report["rejectedSample"]
    ]
    assert sample == [[line[0], line[1], line[3]] for line in lines[:100]]


@pytest.mark.parametrize("lines", [3, 900], ids=["one chunk", "several"])
def test_rejected_rows__try_that_dies_before_they_are_on_record__leaves_nothing(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    content = b"a\n\nb\n" * lines
    jobs = imports.services.store.jobs
    write, failed = jobs.write, list[str]()

    def write_late(ref: Any, field: Any, value: Any) -> None:
        if field is REJECTED and not failed:
            failed.append(value.key)
            raise ObjectStoreUnavailable("cut off")
        write(ref, field, value)

    monkeypatch.setattr(jobs, "write", write_late)
    request = imports.start(imports.list_of(), content)
    state = imports.finish(request)

    assert state.status == "complete", state
    assert [line[1] for line in _lines(imports, state)] == [str(2 + 3 * n) for n in range(lines)]
    assert state.rejected is not None
    assert failed != [state.rejected.key]
    assert _kept(imports, state) == [state.rejected.key]


def test_rejected_rows__lease_lost_while_they_are_joined__are_dropped(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = imports.start(imports.list_of(), b"a\n\nb\n")
    ended = list[bool]()

    def end_meanwhile(pieces: Any) -> Any:
        if not ended:
            ended.append(imports.services.store.jobs.end(request.ref, "stopped", keep_s=600))
        return read_part(pieces)

    monkeypatch.setattr("worker.imports.rejected_rows.read_part", end_meanwhile)
    state = imports.finish(request)
    imports.finish(request)

    assert (state.status, state.rejected) == ("stopped", None)
    assert _kept(imports, state) == []


@pytest.mark.parametrize("lines", [3, 900], ids=["one chunk", "several"])
def test_rejected_rows__of_a_try_that_comes_after_the_end__are_dropped(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    request = imports.start(imports.list_of(), b"a\n\nb\n" * lines)
    close, late = RejectedPart.close, list[RejectedPart]()

    def close_late(part: RejectedPart) -> Any:
        if not late:
            late.append(part)
            _expire_lease(imports, request)
            imports.finish(request)
        return close(part)

    monkeypatch.setattr(RejectedPart, "close", close_late)
    state = imports.finish(request)

    assert (state.status, len(late)) == ("complete", 1), state
    assert state.rejected is not None
    assert _kept(imports, state) == [state.rejected.key]


def _expire_lease(imports: Imports, request: ImportRequest) -> None:
    """As if the first try had made no progress for long."""
    store = imports.services.store
    key = store.keyspace.job(request.ref.env, "import", request.import_id)
    lease = store.client.hget(key, "lease:scatter:0")
    assert lease is not None
    name, _, tries = lease.decode().split()
    store.client.hset(key, "lease:scatter:0", f"{name} 0 {tries}")


def test_rejected_rows__after_the_retention__are_deleted(imports: Imports) -> None:
    state = imports.run(imports.list_of(), b"a\n\n")
    services, keep_ms = imports.services, imports.services.settings.job_retention_s * 1_000
    assert state.ended_ms is not None
    due_ms = state.ended_ms + keep_ms

    expire_rejected(replace(services, clock_ms=lambda: due_ms - 1))
    assert _kept(imports, state) != []
    expire_rejected(replace(services, clock_ms=lambda: due_ms))
    assert _kept(imports, state) == []


def test_rejected_rows__of_a_deleted_list__are_deleted_soon_and_others_stay(
    imports: Imports,
) -> None:
    ref, other = imports.list_of(), imports.list_of()
    states = [imports.run(each, b"a\n\n") for each in (ref, other)]

    remove_segment(imports.services.store, ref.env, ref.segment)
    reclaim_list(imports.services.store, ref)

    assert expire_rejected(imports.services) == 1
    assert [bool(_kept(imports, state)) for state in states] == [False, True]


def test_rejected_rows__list_deleted_before_they_are_joined__leave_nothing(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = imports.list_of()
    request = imports.start(ref, b"a\n\n")
    write = rejected_rows.write_rejected_rows

    def delete_before(*given: Any) -> None:
        remove_segment(imports.services.store, ref.env, ref.segment)
        reclaim_list(imports.services.store, ref)
        write(*given)

    monkeypatch.setattr("worker.imports.reading.scatter.write_rejected_rows", delete_before)
    imports.finish(request)
    state = imports.finish(request)

    assert state.status == "stopped"
    assert _kept(imports, state) == []
    assert expire_rejected(imports.services) == 1
