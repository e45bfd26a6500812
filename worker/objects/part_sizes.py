"""How large each part of a multipart upload is."""

from worker.objects.errors import ObjectTooLarge

_MIB = 1024 * 1024

#: S3's limits. Source: S3 user guide, "Amazon S3 multipart upload limits".
MAX_PARTS = 10_000
_MAX_PART_BYTES = 5 * 1024 * _MIB
MAX_OBJECT_BYTES = 5 * 1024 * 1024 * _MIB

#: The size most parts have: over S3's least of 5 MiB, and small enough to hold a few in memory.
FIRST_PART_BYTES = 8 * _MIB

# 50 GiB of parts of the first size, as much as an upload may have by default. Whoever writes more
# without saying so pays in memory: doubled every 300 parts up to 4 GiB, 10,000 parts hold 5.9 TiB.
_FIRST_SIZE_PARTS = 6_400
_DOUBLE_EVERY_PARTS = 300
_LAST_PART_BYTES = 4 * 1024 * _MIB
# Parts a hinted size is spread over; the rest is room for a hint that was somewhat too small.
_HINTED_PARTS = 9_000


def part_bytes(number: int, size_hint: int | None) -> int:
    """Give the size of one part, so that 10,000 of them hold any object S3 takes.

    A good hint keeps all parts equal (some services insist on it) and as small as can be.

    Args:
        number: the part's number, 1 for the first.
        size_hint: bytes expected in the whole object, if known; a wrong one costs memory or
            part size, never the upload.

    Raises:
        ObjectTooLarge: there is no part with this number.
    """
    if number > MAX_PARTS:
        raise ObjectTooLarge(f"over {MAX_PARTS} parts in one object; split the list")
    doublings = max(0, number - _FIRST_SIZE_PARTS + _DOUBLE_EVERY_PARTS - 1) // _DOUBLE_EVERY_PARTS
    unhinted = min(FIRST_PART_BYTES << doublings, _LAST_PART_BYTES)
    # Rounded up to a whole MiB.
    hinted = -(-(size_hint or 0) // _HINTED_PARTS // _MIB) * _MIB
    return min(max(unhinted, hinted), _MAX_PART_BYTES)
