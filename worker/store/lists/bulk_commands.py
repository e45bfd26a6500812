"""The commands of bulk look-ups as bytes, whole columns at a time.

A list of millions of members has so many shards that hardly two of the keys share one: commands
made one by one would be what a bulk look-up takes longest for.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from worker.byte_columns import (
    Bytes,
    Column,
    ColumnView,
    binary_column,
    fixed_size_column,
    uniform_column,
)

Numbers = NDArray[np.int64]

#: Digits of the names of shards, as ``Keyspace.shard`` writes them: four, or as many as it takes.
_LEAST_DIGITS: Final = 4
_MOST_DIGITS: Final = 16
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
#: Words of a command beside the members: its name, the shard, the sentinel.
_OTHER_WORDS: Final = 3
#: Ends the name of the shard; then the sentinel, which is asked for first.
_SENTINEL: Final = b"\r\n$1\r\n\0\r\n"


def as_arguments(members: Column) -> Column:
    """Each member as an argument of a command.

    Args:
        members: binary or fixed-size binary, without nulls.
    """
    view = ColumnView.of(members)
    if view.width is not None:
        return _uniform_arguments(view.matrix)
    lengths = view.lengths
    heads = pa.array([b"$%d\r\n" % length for length in range(int(lengths.max(initial=0)) + 1)])
    return _joined(heads.take(pa.array(lengths)), members.cast(pa.binary()), pa.scalar(b"\r\n"))


def encode_questions(
    prefix: bytes, numbers: Numbers, arguments: bytes, bounds: Numbers, counts: Numbers
) -> bytes:
    """Ask shards about members: a packed ``SMISMEMBER`` for each shard, the sentinel first.

    Cost: about 0.2 µs a command.

    Args:
        prefix: of the shards' keys.
        numbers: of the shards, ascending.
        arguments: members as :func:`as_arguments` gives them, one after the other.
        bounds: where in ``arguments`` those of each shard begin, and those of the last end.
        counts: how many members each shard is asked about.
    """
    members = binary_column(np.frombuffer(arguments, np.uint8), bounds)
    words, word_of = np.unique(counts, return_inverse=True)
    pieces: list[bytes] = []
    for digits, first, stop in _by_digits(numbers):
        heads = pa.array(
            [
                b"*%d\r\n$10\r\nSMISMEMBER\r\n$%d\r\n%b"
                % (count + _OTHER_WORDS, len(prefix) + digits, prefix)
                for count in words.tolist()
            ],
            pa.binary(),
        )
        commands = _joined(
            heads.take(word_of[first:stop]),
            _hex(numbers[first:stop], digits),
            pa.scalar(_SENTINEL),
            members[first:stop],
        )
        pieces.append(ColumnView.of(commands).data.tobytes())
    return b"".join(pieces)


def _uniform_arguments(matrix: Bytes) -> Column:
    """Those of members of one length, for a fifth of the cost."""
    rows, width = matrix.shape
    head, end = (np.frombuffer(each, np.uint8) for each in (b"$%d\r\n" % width, b"\r\n"))
    arguments = np.empty((rows, len(head) + width + len(end)), np.uint8)
    arguments[:, : len(head)] = head
    arguments[:, len(head) : -len(end)] = matrix
    arguments[:, -len(end) :] = end
    return uniform_column(arguments)


def _by_digits(numbers: Numbers) -> Iterator[tuple[int, int, int]]:
    """Runs of numbers whose names have as many digits: how many, and where the run is."""
    first = 0
    for digits in range(_LEAST_DIGITS, _MOST_DIGITS):
        stop = int(np.searchsorted(numbers, 1 << 4 * digits))
        if stop > first:
            yield digits, first, stop
        if stop == len(numbers):
            return
        first = stop


def _hex(numbers: Numbers, digits: int) -> Column:
    shifts = np.arange(4 * (digits - 1), -1, -4)
    return fixed_size_column(_HEX[numbers[:, np.newaxis] >> shifts & 0xF]).cast(pa.binary())


def _joined(*pieces: "Column | pa.Scalar[Any]") -> Column:
    """Rows made of one piece each; a scalar is the same in all."""
    join: Any = pc.binary_join_element_wise  # the stub knows text only
    joined: Column = join(*pieces, pa.scalar(b""))
    return joined
