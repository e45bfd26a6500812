"""Results of chunks as scattering would leave them."""

from typing import Any

from worker.imports.stage_results import ChunkResult


def chunk_result(**given: Any) -> ChunkResult:
    """Give the result of an empty chunk, but for what is given."""
    empty: dict[str, Any] = {
        "start": "row",
        "end": "row",
        "rows": 0,
        "valid": 0,
        "packed_bytes": 0,
        "rejected": {},
        "sample": (),
        "doubts": {},
    }
    return ChunkResult(**(empty | given))
