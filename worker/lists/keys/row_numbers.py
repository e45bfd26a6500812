"""Finds the rows of a list that begin with the numbers of an index: each is one more."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.lists.keys.validation import KeyBatch

_NUMBER: Final = "^(0|[1-9][0-9]{0,17})$"
#: Stands for a key that is no number; 0 is one more, so that it may follow a header.
_NONE: Final = -1


@dataclass(slots=True)
class RowNumbers:
    """Follows the keys of one chunk; only for lists that begin like an index, for it takes time."""

    _last: int | None = None

    def find(self, batch: KeyBatch) -> np.ndarray:
        """The rows of the next batch whose key is one more than the key before it.

        The chunk's first key is one, if it is a number: what is before it is another chunk's.
        """
        values = _numbers(batch)
        if len(values) == 0:
            return values
        before = np.concatenate([[values[0] - 1 if self._last is None else self._last], values])
        self._last = int(values[-1])
        counting = (values > _NONE) & (values == before[:-1] + 1)
        rows: np.ndarray = np.delete(np.arange(batch.row_count), batch.rejected_rows)[counting]
        return rows


def _numbers(batch: KeyBatch) -> np.ndarray:
    """The number that each key is."""
    text: Any = batch.keys
    numeric: Any = pc.match_substring_regex(text, pattern=_NUMBER)
    values = np.full(len(text), _NONE, np.int64)
    found = text.filter(numeric).cast(pa.large_string()).cast(pa.int64())
    values[numeric.to_numpy(zero_copy_only=False)] = found.to_numpy(zero_copy_only=False)
    return values
