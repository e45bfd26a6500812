"""Reading blocks of spills back into columns."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from worker.columns import Column
from worker.lists.errors import BrokenSpill

_BINARY_LIMIT_BYTES = 2**31 - 1


def read_blocks(pieces: Iterable[bytes], *, rows: int | None = None) -> tuple[Column, np.ndarray]:
    """Read whole blocks, of one spill or several, into one column and its hashes.

    Rows come block by block in the order of ``pieces``; nothing is sorted.

    Cost: the blocks' bytes twice in memory, three times where member types differ.

    Args:
        pieces: The bytes of whole blocks end to end, cut into pieces anywhere.
        rows: How many rows the indexes promise; not checked if None.

    Returns:
        Members, fixed-size binary where all blocks agree on a length, else binary or (from
        2 GiB on) large_binary; and their hashes, uint64.

    Raises:
        BrokenSpill: The bytes are cut, or no blocks, or the rows are not as many.
    """
    batches: list[pa.RecordBatch] = []
    source = pa.BufferReader(b"".join(pieces))
    try:
        while source.tell() < source.size():
            with pa.ipc.open_stream(source) as stream:
                batches += stream
    except (pa.ArrowInvalid, OSError) as exc:
        raise BrokenSpill("its blocks are cut or damaged") from exc
    found = sum(batch.num_rows for batch in batches)
    if rows is not None and found != rows:
        raise BrokenSpill(f"its index promises {rows} rows and its blocks hold {found}")
    hashes = [batch.column("hash").to_numpy() for batch in batches]
    return (
        _combined([batch.column("member") for batch in batches]),
        np.concatenate(hashes) if hashes else np.empty(0, np.uint64),
    )


def _combined(columns: list[Any]) -> Column:
    if not columns:
        return pa.array([], pa.binary())
    kinds = {column.type for column in columns}
    size = sum(column.nbytes for column in columns)
    if len(kinds) > 1 or (size > _BINARY_LIMIT_BYTES and pa.binary() in kinds):
        kind = pa.large_binary() if size > _BINARY_LIMIT_BYTES else pa.binary()
        columns = [column.cast(kind) for column in columns]
    return pa.concat_arrays(columns)
