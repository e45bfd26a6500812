"""Set operations on members are those on sets, also where members share a hash."""

import random
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pytest

from worker.imports.composing.set_operations import combine
from worker.store.jobs import Operation
from worker.store.members import Members


def _members(keys: Iterable[bytes], hash_count: int) -> Members:
    """Members in any order, with so few hashes that many share one."""
    listed = list(keys)
    random.Random(len(listed)).shuffle(listed)
    hashes = [int(key) % hash_count << 40 for key in listed]
    return Members(pa.array(listed, pa.binary()), np.array(hashes, np.uint64))


@pytest.mark.parametrize("hash_count", [3, 40, 1_000_003], ids=str)
@pytest.mark.parametrize("op", ["union", "intersect", "except"])
def test_combine__lists_of_any_sizes__is_the_operation_on_sets(
    op: Operation, hash_count: int
) -> None:
    rng = random.Random(7)
    for _ in range(30):
        sets = [
            {b"%d" % rng.randrange(60) for _ in range(rng.choice((0, 1, 30, 90)))}
            for _ in range(rng.choice((1, 2, 3)))
        ]
        first, *others = sets
        expected = {
            "union": first.union(*others),
            "intersect": first.intersection(*others),
            "except": first.difference(*others),
        }[op]

        found = combine(op, [_members(keys, hash_count) for keys in sets])

        rows = list(zip(found.hashes.tolist(), found.entries.to_pylist(), strict=True))
        assert rows == sorted((int(key) % hash_count << 40, key) for key in expected)
