"""How large each part of a multipart upload is."""

from worker.objects.errors import ObjectTooLarge

_MIB = 1024 * 1024

#: S3's limits. Source: S3 user guide, "Amazon S3 multipart upload limits".
MAX_PARTS = 10_000
MAX_OBJECT_BYTES = 5 * 1024 * 1024 * _MIB

#: The size most parts have: over S3's least of 5 MiB, and small enough to hold a few in memory.
FIRST_PART_BYTES = 8 * _MIB

# The expected size takes 6,400 equal parts at most: 50 GiB, as much as an upload may have by
# default, of the first size. The other 3,600 are for what was not expected. Doubled every 300 parts
# up to 4 GiB, they hold 5.8 TiB, paid for in memory.
_EXPECTED_PARTS = 6_400
_DOUBLE_EVERY_PARTS = 300
_LAST_PART_BYTES = 4 * 1024 * _MIB


def part_bytes(number: int, size_hint: int | None) -> int:
    """Give the size of one part, so that 10,000 of them hold any object S3 takes.

    With a good hint, or up to 50 GiB without one, all parts are equal: some services insist on it.

    Args:
        number: the part's number, 1 for the first.
        size_hint: bytes expected in the whole object, if known; a wrong one costs memory, never
            the upload.

    Raises:
        ObjectTooLarge: there is no part with this number.
    """
    if number > MAX_PARTS:
        raise ObjectTooLarge(f"over {MAX_PARTS} parts in one object; split the list")
    expected = min(size_hint or 0, MAX_OBJECT_BYTES)
    # Rounded up to a whole MiB.
    first = max(FIRST_PART_BYTES, -(-expected // _EXPECTED_PARTS // _MIB) * _MIB)
    doublings = max(0, number - _EXPECTED_PARTS + _DOUBLE_EVERY_PARTS - 1) // _DOUBLE_EVERY_PARTS
    return min(first << doublings, _LAST_PART_BYTES)
