"""Parts hold what S3 takes, in as little memory as they can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.objects import ObjectTooLarge
from worker.objects.writing.part_sizes import MAX_OBJECT_BYTES, MAX_PARTS, part_bytes

_MIB = 1024 * 1024
_GIB = 1024 * _MIB


def held(part_count: int, size_hint: int | None = None) -> int:
    return sum(part_bytes(number, size_hint) for number in range(1, part_count + 1))


def test_part_sizes__no_hint__equal_parts_of_8_mib_up_to_50_gib() -> None:
    assert {part_bytes(number, None) for number in range(1, 6_401)} == {8 * _MIB}
    assert held(6_400) == 50 * _GIB
    assert part_bytes(6_401, None) == 16 * _MIB


def test_part_sizes__no_hint__ten_thousand_hold_all_that_s3_takes() -> None:
    sizes = [part_bytes(number, None) for number in range(1, MAX_PARTS + 1)]
    assert sum(sizes) >= MAX_OBJECT_BYTES
    assert sizes == sorted(sizes)
    assert sizes[-1] <= 5 * _GIB


@given(st.integers(min_value=1, max_value=MAX_OBJECT_BYTES))
def test_part_sizes__good_hint__equal_parts_that_hold_it(size: int) -> None:
    first = part_bytes(1, size)
    assert 8 * _MIB <= first < 1 * _GIB
    assert part_bytes(-(-size // first), size) == first


@given(st.integers(min_value=0, max_value=10 * MAX_OBJECT_BYTES))
def test_part_sizes__wrong_hint__still_holds_all_that_s3_takes(size: int) -> None:
    # Every hundredth: sizes only change at those.
    sizes = [part_bytes(number, size) for number in range(1, MAX_PARTS + 1, 100)]
    assert sum(sizes) * 100 >= MAX_OBJECT_BYTES
    assert max(sizes) <= 5 * _GIB


def test_part_sizes__part_10_001__too_large() -> None:
    assert part_bytes(MAX_PARTS, None) == 4 * _GIB
    with pytest.raises(ObjectTooLarge):
        part_bytes(MAX_PARTS + 1, None)
