"""What becomes of a unit for which the process has no memory."""

import traceback

from worker.store.jobs.records import Unit

#: Trying again in this process, or in another one of the same size, would come to the same.
REMEDY = (
    "give the workers more memory, or fewer processes, or lower BIGSEG_CHUNK_BYTES, "
    "BIGSEG_CHUNK_ROWS and BIGSEG_RANGE_BYTES"
)


def out_of_memory_reason(unit: Unit, error: MemoryError) -> str:
    """Why the job of this unit is stopped; frees what the failed work still held.

    The text of the error is left out: it may name what was worked on.
    """
    traceback.clear_frames(error.__traceback__)
    return f"a worker process ran out of memory at {unit.stage} {unit.number}; {REMEDY}"
