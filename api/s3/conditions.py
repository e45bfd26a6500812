"""Ranges, and the conditions under which an object is read or replaced.

Source: RFC 9110, sections 13 and 14; Amazon S3 API reference, ``GetObject`` and ``PutObject``.
"""

import re
from email.utils import parsedate_to_datetime
from typing import Final

from api.s3.bodies import Headers
from api.s3.catalogue import Condition, StoredObject
from api.s3.errors import S3Refusal

_RANGE: Final = re.compile(r"bytes=(\d{0,20})-(\d{0,20})")


def is_unchanged(stored: StoredObject, headers: Headers, prefix: str = "") -> bool:
    """Whether a reader has this object already, so that 304 is the answer.

    Args:
        stored: the object.
        headers: of the request.
        prefix: what the names of the conditions start with; a copy has some for its source.

    Raises:
        S3Refusal: the reader wants another state of it.
    """
    match, since = (
        headers.get(f"{prefix}if-match"),
        _seconds(headers.get(f"{prefix}if-unmodified-since")),
    )
    if match:
        if not _names(match, stored.etag):
            raise _failed()
    elif since is not None and int(stored.modified_s) > since:
        raise _failed()
    none_match, after = (
        headers.get(f"{prefix}if-none-match"),
        _seconds(headers.get(f"{prefix}if-modified-since")),
    )
    if none_match:
        return _names(none_match, stored.etag)
    return after is not None and int(stored.modified_s) <= after


def replaces(headers: Headers) -> Condition:
    """Build the condition under which a writer replaces an object."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")

    def check(etag: str | None) -> None:
        if match and (etag is None or not _names(match, etag)):
            raise _failed()
        if none_match and etag is not None and _names(none_match, etag):
            raise _failed()

    return check


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Read the range that a reader wants.

    Args:
        header: ``Range``.
        size: bytes of the object.

    Returns:
        The first byte and the one after the last; ``None`` for the whole object, also where
        the header says nothing that S3 understands.

    Raises:
        S3Refusal: the range starts after the object's end.
    """
    found = _RANGE.fullmatch(header.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise S3Refusal(416, "InvalidRange", f"{header} is not inside the {size} bytes")
    return start, end


def _names(header: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
    return "*" in tags or etag in tags


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:  # not a date: S3 ignores it
        return None


def _failed() -> S3Refusal:
    return S3Refusal(412, "PreconditionFailed", "a condition of the request does not hold")
