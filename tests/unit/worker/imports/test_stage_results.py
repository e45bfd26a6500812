"""What a stage leaves is read back as it was, and nothing else is."""

from collections import Counter

import pytest

from tests.support.lists.chunk_results import chunk_result
from worker.imports.spill_store import SpillFile
from worker.imports.stage_results import PLAN, STARTS, Chunk, ChunkResult, Plan, Source, Spill
from worker.lists.format import ListFormat
from worker.lists.spills import SpillIndex
from worker.store import EnvironmentRef, JobRef, UnreadableRecord
from worker.store.records import RecordCodec

JOB = JobRef("import", EnvironmentRef("default", "production"), "i1")


def test_plan__stored_and_read__is_the_same() -> None:
    source = Source("bucket", "lists/a", 10, '"e"', ListFormat.PARQUET)
    plan = Plan((source,), (Chunk(0, 0, 3),), 4, 10, ("header",))

    assert PLAN.decode(JOB, PLAN.entry(plan)[1]) == plan


def test_chunk_result__stored_and_read__is_the_same() -> None:
    index = SpillIndex(2, ((0, 5, 9),), ((1, 2),))
    result = chunk_result(
        rows=4,
        valid=3,
        rejected=dict(Counter(blank=1)),
        sample=((2, "blank"),),
        doubts={"header": (1, (1,))},
        fault_at=7,
        spill=Spill(SpillFile("key", 9, '"e"'), index),
    )
    codec = RecordCodec(ChunkResult)

    assert codec.decode(codec.encode(result), "a result") == result


def test_starts__stored_and_read__keep_their_chunk_numbers() -> None:
    assert STARTS.decode(JOB, STARTS.entry({11: "quoted"})[1]) == {11: "quoted"}


@pytest.mark.parametrize("text", [b"", b"{}", b'{"sources": 5}', b"\xff", b"[]"])
def test_plan__damaged__is_unreadable_and_names_the_job(text: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="plan of import:default:production:i1"):
        PLAN.decode(JOB, text)
