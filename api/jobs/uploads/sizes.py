"""How large an upload and each of its parts is, and what its parts lack."""

from collections.abc import Iterable, Sequence
from typing import Final

from api.errors import Conflict, InvalidRequest, TooLarge
from api.settings import ApiSettings
from worker.objects import MAX_PARTS, UploadedPart
from worker.store import Upload

_MIB: Final = 1024 * 1024
_NAMED: Final = 10


def plan_sizes(settings: ApiSettings, size_bytes: int | None) -> tuple[int, int]:
    """How long the parts of a new upload are, and how long its file may be.

    Raises:
        TooLarge: it is longer than any may be.
    """
    limit_bytes, part_bytes = settings.max_direct_upload_bytes, settings.upload_part_bytes
    if size_bytes is None:
        return part_bytes, min(limit_bytes, part_bytes * MAX_PARTS)
    if size_bytes > limit_bytes:
        raise TooLarge(
            f"the list has {size_bytes:,} bytes, over {limit_bytes:,}; split it and import with "
            "mode merge"
        )
    needed = -(-size_bytes // MAX_PARTS)
    if needed > part_bytes:
        part_bytes = -(-needed // _MIB) * _MIB
    return part_bytes, size_bytes


def count_parts(upload: Upload) -> int | None:
    """How many parts it has; ``None`` while its size is not known. An empty file has one."""
    return None if upload.size_bytes is None else _parts_in(upload, upload.size_bytes)


def require_parts(upload: Upload, first: int, count: int, last_bytes: int | None) -> dict[int, int]:
    """The sizes of the parts that a caller asks to send, by number; fewer at the end.

    Args:
        upload: what they are parts of.
        first: the number of the first.
        count: how many.
        last_bytes: how long the caller says that the last part is, which is the one asked for.

    Raises:
        InvalidRequest: there is no such part, or it cannot have that length.
    """
    most = _parts_in(upload, upload.max_bytes)
    if first > most:
        raise InvalidRequest(f"upload {upload.id} has no part {first}: it has {most} at most")
    if last_bytes is None:
        return {
            number: _size_of(upload, number)
            for number in range(first, first + count)[: most - first + 1]
        }
    if upload.size_bytes is not None:
        raise InvalidRequest("bytes is for uploads without sizeBytes: this one's parts are known")
    if count != 1 or last_bytes > _size_of(upload, first):
        raise InvalidRequest(f"bytes is the length of one part, at most {_size_of(upload, first)}")
    return {first: last_bytes}


def select_received(upload: Upload, parts: Iterable[UploadedPart]) -> list[UploadedPart]:
    """Those parts that have arrived in a length that they may have."""
    return [part for part in parts if _is_whole(upload, part)]


def require_whole(upload: Upload, parts: Sequence[UploadedPart]) -> None:
    """Make sure that the parts, in order, are the file that was announced.

    Raises:
        Conflict: some are missing or have another length; says which.
    """
    if not parts:
        raise Conflict(f"no part of upload {upload.id} has arrived")
    expected = count_parts(upload) or parts[-1].number
    numbers = {part.number for part in parts}
    missing = [number for number in range(1, expected + 1) if number not in numbers]
    if missing:
        raise Conflict(f"upload {upload.id} is not complete: {_name(missing)} not arrived")
    wrong = [part.number for part in parts if not _fits(upload, part, expected)]
    if wrong:
        raise Conflict(
            f"upload {upload.id} is not the file that was announced: {_name(wrong)} the wrong "
            "length; send them again"
        )


def _fits(upload: Upload, part: UploadedPart, last: int) -> bool:
    if part.number > last:
        return False
    if upload.size_bytes is None and part.number < last:
        return part.size_bytes == upload.part_bytes
    return _is_whole(upload, part)


def _is_whole(upload: Upload, part: UploadedPart) -> bool:
    if part.number > _parts_in(upload, upload.max_bytes):
        return False
    most = _size_of(upload, part.number)
    if upload.size_bytes is None:
        return part.size_bytes <= most  # it may be the last one
    return part.size_bytes == most


def _parts_in(upload: Upload, size_bytes: int) -> int:
    return max(1, -(-size_bytes // upload.part_bytes))


def _size_of(upload: Upload, number: int) -> int:
    before = (number - 1) * upload.part_bytes
    return min(upload.part_bytes, upload.max_bytes - before)


def _name(numbers: Sequence[int]) -> str:
    """Such as ``part 3 has``, ``parts 1, 2 have``."""
    named = ", ".join(map(str, numbers[:_NAMED]))
    if len(numbers) == 1:
        return f"part {named} has"
    more = f" and {len(numbers) - _NAMED:,} more" if len(numbers) > _NAMED else ""
    return f"parts {named}{more} have"
