"""Whether chunks that were read apart fit together."""

import pytest

from tests.support.lists.chunk_results import chunk_result
from worker.imports.building.size import find_wrong_starts
from worker.imports.errors import ImportStopped
from worker.imports.stage_results import Chunk, ChunkResult, Plan, Source
from worker.lists.format import ListFormat

_SOURCE = Source("bucket", "lists/a.csv", 400, '"etag"', ListFormat.CSV)


def _plan(*sources_of_chunks: int) -> Plan:
    chunks = tuple(Chunk(source, 0, 1) for source in sources_of_chunks)
    return Plan((_SOURCE, _SOURCE), chunks, 0, 400)


def _read(start: str, end: str, fault: int | None = None) -> ChunkResult:
    return chunk_result(start=start, end=end, fault_at=fault)


def test_chunks__states_meet__are_right() -> None:
    results = [_read("row", "quoted"), _read("quoted", "row"), _read("row", "row")]

    assert find_wrong_starts(_plan(0, 0, 0), results) == {}


def test_chunk__after_one_that_ends_in_quotes__is_read_again_from_there() -> None:
    results = [_read("row", "quoted"), _read("row", "row"), _read("row", "row")]

    assert find_wrong_starts(_plan(0, 0, 0), results) == {1: "quoted"}


def test_chunks__each_file_by_itself__starts_at_a_row() -> None:
    results = [_read("row", "quoted"), _read("row", "quoted")]

    assert find_wrong_starts(_plan(0, 1), results) == {}


def test_fault__in_a_chunk_read_wrongly__means_nothing_yet() -> None:
    results = [_read("row", "quoted"), _read("row", "row", fault=7)]

    assert find_wrong_starts(_plan(0, 0), results) == {1: "quoted"}


def test_fault__in_a_chunk_read_rightly__stops_with_its_byte() -> None:
    with pytest.raises(ImportStopped, match=r"begins at byte 7 of lists/a\.csv is over 1 MiB"):
        find_wrong_starts(_plan(0), [_read("row", "row", fault=7)])
