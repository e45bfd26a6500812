"""Lists in, answers out, over HTTP and the real processes."""

import io
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.systems.driving import (
    LIMIT_S,
    assert_nothing_left,
    csv_of,
    new_segment,
    put_list,
    random_keys,
)
from tests.support.systems.system import System


@pytest.mark.parametrize("count", [300, 20_000], ids=["one chunk", "several chunks"])
def test_upload__merge_then_replace__answers_counts_and_export_are_exact(
    system: System, count: int
) -> None:
    segment, keys = new_segment(system), random_keys(count)
    first, second = keys[: count * 2 // 3], keys[count // 3 :]
    rejected = ["", "k" * 1025, '"two\nlines"']
    content = csv_of([*first, *first[:50], *rejected])
    import_id = segment.upload(content)
    report = segment.completed(import_id)
    assert (report["rowsRead"], report["accepted"]) == (len(first) + 53, len(first))
    assert (report["duplicates"], report["rejected"]) == (50, 3)
    rows = [(row["row"], row["reason"]) for row in report["rejectedSample"]]
    assert rows == [
        (len(first) + 51, "blank"),
        (len(first) + 52, "too_long"),
        (len(first) + 53, "control_character"),
    ]
    found = segment.rejected_rows(import_id)
    assert [(int(row), reason) for _, row, _, reason, _ in found] == rows
    assert [cell for *_, cell in found] == ["", "k" * 1_024 + "\u2026[cut]", "two\nlines"]
    assert all(
        content[int(at) :].startswith(rejected[n].encode())
        for n, (_, _, at, *_) in enumerate(found)
    )
    assert (report["membersBefore"], report["added"]) == (0, len(first))
    assert segment.counted() == report["membersAfter"] == len(first)
    assert segment.members() == set(first)

    report = segment.completed(segment.upload(csv_of(second)))
    assert report["unchanged"] == len(set(first) & set(second))
    assert report["removed"] == 0
    assert segment.counted() == report["membersAfter"] == count
    assert segment.members() == set(keys)

    report = segment.completed(segment.upload(csv_of(second), mode="replace"))
    assert report["removed"] == count // 3
    assert segment.counted() == report["membersAfter"] == len(second)
    assert segment.members() == set(second)
    assert all(segment.includes(key) for key in second[:20])
    assert not any(segment.includes(key) for key in [*first[:20], "stranger", "0"])


def test_upload__remove_and_excluded_list__change_only_what_they_are_for(system: System) -> None:
    segment, keys = new_segment(system), random_keys(300)
    segment.completed(segment.upload(csv_of(keys)))
    report = segment.completed(segment.upload(csv_of(keys[:200]), target="excluded"))
    assert (report["membersBefore"], report["added"], report["membersAfter"]) == (0, 200, 200)
    state = system.store.memberships.state(segment.ref)
    assert (segment.counted(), state.excluded_count) == (300, 200)

    report = segment.completed(segment.upload(csv_of([*keys[:50], "stranger"]), "remove"))
    assert (report["accepted"], report["removed"], report["unmatched"]) == (51, 50, 1)
    assert segment.members() == set(keys[50:])
    report = segment.completed(segment.upload(csv_of(keys[150:]), "remove", target="excluded"))
    assert (report["removed"], report["unmatched"], report["membersAfter"]) == (50, 100, 150)

    answers = system.store.memberships.look_up(segment.ref, [keys[0], keys[100], keys[200]])
    assert [(one.included, one.excluded) for one in answers] == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_upload__keys_of_every_kind__come_back_as_given(system: System) -> None:
    segment = new_segment(system)
    keys = [
        *("0", "007", "-1", "1e3", " padded ", "a,b", 'qu"ote', "'", "=cmd", "ÿ", "日本", "😀"),
        *("DEADBEEF" * 4, "deadbeef" * 4, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%2F", "a/b", "k" * 1024),
    ]
    quoted = ['"{}",other,"columns"'.format(key.replace('"', '""')) for key in keys]
    report = segment.completed(segment.upload("\r\n".join(quoted).encode("utf-8-sig")))
    assert report["accepted"] == len(keys)
    exported = segment.exported()
    again = new_segment(system)
    assert again.completed(again.upload(exported))["accepted"] == len(keys)
    for one in (segment, again):
        answers = system.store.memberships.look_up(one.ref, keys)
        assert all(answer.included for answer in answers)
        assert one.counted() == len(keys)
    assert sorted(again.exported().splitlines()) == sorted(exported.splitlines())


def test_upload__parquet_that_aborts_its_reader__stopped_and_nobody_else_notices(
    system: System,
) -> None:
    damaged = (Path(__file__).parents[1] / "data" / "aborts-reader-1.parquet").read_bytes()
    processes = system.worker.children()
    other, segment = new_segment(system), new_segment(system)
    going_on = other.upload(csv_of(random_keys(20_000)))
    started = time.monotonic()
    reasons = [segment.stopped(segment.upload(damaged)) for _ in range(3)]
    assert time.monotonic() - started < LIMIT_S / 3
    assert all("damaged" in reason for reason in reasons)
    assert other.completed(going_on)["accepted"] == 20_000
    assert system.worker.children() == processes


def test_parquet__from_the_bucket__row_groups_become_chunks(system: System) -> None:
    segment, keys = new_segment(system), random_keys(12_000)
    table = pa.table({"id": [*keys, None, keys[0]], "n": range(len(keys) + 2)})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=1_500)
    source = put_list(system, file.getvalue(), "people.parquet")
    report = segment.completed(segment.import_source(source, "replace"))
    figures = (report["rowsRead"], report["accepted"], report["duplicates"], report["rejected"])
    assert figures == (12_002, 12_000, 1, 1)
    assert segment.counted() == 12_000
    exported = pq.read_table(io.BytesIO(segment.exported("parquet")))
    assert set(exported.column(0).to_pylist()) == set(keys)


def test_parquet__first_column_of_another_type__stopped_with_the_schema(system: System) -> None:
    segment = new_segment(system)
    file = io.BytesIO()
    pq.write_table(pa.table({"score": [1.5, 2.5]}), file)
    reason = segment.stopped(segment.import_source(put_list(system, file.getvalue(), "x.parquet")))
    assert "score: double" in reason
    assert segment.counted() == 0


def test_csv__quoted_cells_across_chunks__read_as_one_file(system: System) -> None:
    """Most chunks are first read from the wrong state, and read again."""
    segment, keys = new_segment(system), random_keys(4_000)
    note = "note\n" * 60
    body = "".join(f'{key},"{note}"\n' for key in keys).encode()
    report = segment.completed(segment.upload(body))
    assert (report["rowsRead"], report["accepted"], report["rejected"]) == (4_000, 4_000, 0)
    assert segment.counted() == 4_000
    assert segment.members() == set(keys)


def test_csv__quote_never_closed__stopped_with_its_offset(system: System) -> None:
    segment, keys = new_segment(system), random_keys(40_000)
    segment.completed(segment.upload(csv_of(keys[:10])))
    body = csv_of(keys[:5_000]) + b'"' + csv_of(keys)
    reason = segment.stopped(segment.upload(body, "replace"))
    assert f"byte {len(csv_of(keys[:5_000]))}" in reason
    assert segment.counted() == 10


@pytest.mark.parametrize("content", [b"", b"\n\n\n"], ids=["no row", "no valid row"])
def test_replace__by_nothing__only_when_asked_for(system: System, content: bytes) -> None:
    segment = new_segment(system)
    assert segment.completed(segment.upload(content, "replace"))["membersAfter"] == 0
    segment.completed(segment.upload(b"ada\nbob\n"))
    assert "would empty the list" in segment.stopped(segment.upload(content, "replace"))
    assert segment.counted() == 2
    assert segment.includes("ada")
    assert segment.completed(segment.upload(content, "merge"))["membersAfter"] == 2
    import_id = segment.upload(content, "replace", allowEmpty="true")
    assert segment.completed(import_id)["removed"] == 2
    assert segment.counted() == 0
    assert not segment.includes("ada")


def test_many_imports__ended__leave_nothing_behind(system: System) -> None:
    segment = new_segment(system)
    for seed in range(3):
        segment.completed(segment.upload(csv_of(random_keys(6_000, seed)), "replace"))
    segment.stopped(segment.upload(b"", "replace"))
    assert_nothing_left(system, segment)
    assert segment.members() == set(random_keys(6_000, 2))
