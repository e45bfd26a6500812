"""The look-up protocol for many keys of many lists: columns instead of one command a key.

As in ``lookups``, each part asks the shards of the revision *believed* live and then which one
*is*, so a part is valid or it is not, and nothing is ever remembered of a list but a belief.

A key is packed, hashed and written as a command's argument once, however many lists are asked.
Sorted by hash, the keys of one shard are neighbours: they share a command, and its cost at the
server. Pure: bytes out, replies in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worker.byte_columns import Column, ColumnView, take
from worker.store.keyspace import EXCLUDED, INCLUDED, Keyspace, Side
from worker.store.lists.bulk_commands import as_arguments, encode_questions
from worker.store.lists.lookups import Belief, Fault, find_fault, refused_outcome
from worker.store.lists.scripts import incomplete
from worker.store.members import Hashes, hash_members, pack_keys

#: Of the codes of an answer: the sum of the lists that a key is in.
IN_INCLUDED: Final = 1
IN_EXCLUDED: Final = 2

Codes: TypeAlias = NDArray[np.uint8]
Rows: TypeAlias = NDArray[np.intp]

_HASH_BITS: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class AskedMembers:
    """The packed keys of one call, in the order of their hashes."""

    hashes: Hashes
    rows: Rows
    """Where each stood in the column that was given."""
    arguments: bytes
    """Each as an argument of a command, one after the other."""
    bounds: NDArray[np.int64]
    """Where each argument begins, and the last one ends."""

    @classmethod
    def of(cls, keys: Column) -> Self:
        """Pack, hash and sort a column of valid context keys.

        Cost: about 0.3 µs a key, most of it without the interpreter's lock.

        Args:
            keys: text, without nulls.
        """
        members = pack_keys(keys)
        hashes = hash_members(members)
        rows = np.argsort(hashes)
        arguments = ColumnView.of(as_arguments(take(members, rows)))
        # Of the type of what is looked for in it, or each search would copy it.
        bounds = arguments.offsets.astype(np.int64)
        return cls(hashes[rows], rows, arguments.data.tobytes(), bounds)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the keys, by their place in the order of hashes, asked of one list in one step."""

    belief: Belief
    first: int
    stop: int

    @property
    def rows(self) -> int:
        """How many keys."""
        return self.stop - self.first


def parts_of(
    beliefs: Sequence[Belief], asked: AskedMembers, *, most_rows: int, most_bytes: int
) -> Iterator[list[Part]]:
    """Cut the questions of several lists into steps of about the same cost.

    Args:
        beliefs: the lists, all on one node.
        asked: the keys.
        most_rows: keys in a step; one of a list with both sides counts twice.
        most_bytes: bytes of arguments in a step, unless one key alone has more.

    Yields:
        The parts of one step; none is empty.
    """
    step: list[Part] = []
    rows_left, bytes_left = most_rows, most_bytes
    for belief in beliefs:
        width = 1 + belief.asks_both
        first = 0
        while first < len(asked):
            limit = int(asked.bounds[first]) + bytes_left // width
            fitting = int(np.searchsorted(asked.bounds, limit, "right")) - 1
            stop = min(len(asked), first + rows_left // width, fitting)
            if stop <= first:
                if step:
                    yield step
                    step, rows_left, bytes_left = [], most_rows, most_bytes
                    continue
                stop = first + 1  # longer than a step
            step.append(Part(belief, first, stop))
            rows_left -= (stop - first) * width
            bytes_left -= int(asked.bounds[stop] - asked.bounds[first]) * width
            first = stop
    if step:
        yield step


def encode_part(keys: Keyspace, part: Part, asked: AskedMembers) -> tuple[bytes, int]:
    """The packed commands of a part; a transaction where ``belief.asks_both`` says so.

    Cost: about 0.2 µs a command; each is for all keys of one shard.

    Returns:
        The commands, one after the other, and how many they are.
    """
    belief = part.belief
    sides = [_encode_side(keys, belief, side, part, asked) for side in _sides(belief)]
    record = belief.record.encode()
    # Last, so that its answer was true when the shards were read.
    last = b"*3\r\n$4\r\nHGET\r\n$%d\r\n%b\r\n$4\r\nlive\r\n" % (len(record), record)
    commands = b"".join([*(commands for commands, _ in sides), last])
    return commands, sum(count for _, count in sides) + 1


def read_part(part: Part, asked: AskedMembers, replies: Sequence[Any]) -> Codes | Fault:
    """Interpret the replies: the code of each key, in the order of hashes.

    Args:
        part: what was asked.
        asked: the keys.
        replies: one for each command of :func:`encode_part`; errors in their place.

    Returns:
        ``Stale`` if another revision is live; the error if the answer is not certain.
    """
    belief = part.belief
    fault = find_fault(belief, replies[-1])
    if fault is not None:
        return fault
    codes = np.zeros(part.rows, np.uint8)
    start = 0
    for side, code in zip(_sides(belief), (IN_INCLUDED, IN_EXCLUDED), strict=False):
        starts = _starts(_shards(belief, side, part, asked))
        answered = replies[start : start + len(starts)]
        start += len(starts)
        found = _read_side(belief, starts, part.rows, answered)
        if not isinstance(found, np.ndarray):
            return found
        codes |= found * np.uint8(code)
    return codes


def _sides(belief: Belief) -> tuple[Side, ...]:
    return (INCLUDED, EXCLUDED) if belief.asks_both else (INCLUDED,)


def _shards(belief: Belief, side: Side, part: Part, asked: AskedMembers) -> Hashes:
    bits = belief.revision.bits(side)
    hashes = asked.hashes[part.first : part.stop]
    return hashes >> np.uint64(_HASH_BITS - bits) if bits else np.zeros_like(hashes)


def _starts(shards: Hashes) -> Rows:
    """Where the keys of another shard begin, in rows of the part."""
    return np.concatenate(([0], np.flatnonzero(shards[1:] != shards[:-1]) + 1))


def _encode_side(
    keys: Keyspace, belief: Belief, side: Side, part: Part, asked: AskedMembers
) -> tuple[bytes, int]:
    shards = _shards(belief, side, part, asked)
    starts = _starts(shards)
    edges = np.append(starts, part.rows)
    commands = encode_questions(
        keys.shard_prefix(belief.ref, belief.revision.name, side).encode(),
        shards[starts].astype(np.int64),
        asked.arguments,
        asked.bounds[part.first + edges],
        np.diff(edges),
    )
    return commands, len(starts)


def _read_side(belief: Belief, starts: Rows, rows: int, replies: Sequence[Any]) -> Codes | Fault:
    for reply in replies:
        if type(reply) is not list:
            return refused_outcome(belief, reply)
    # Of each command the sentinel's answer, then one for each key.
    found = np.fromiter(chain.from_iterable(replies), np.uint8, rows + len(starts))
    is_member = np.ones(len(found), np.bool_)
    is_member[starts + np.arange(len(starts))] = False
    if not found[~is_member].all():
        return incomplete(belief.ref)
    return found[is_member]
