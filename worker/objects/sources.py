"""Which objects an import may read, and where an export may write: the allow-list checks."""

import re
from typing import Final

from worker.objects.errors import DestinationNotAllowed, SourceNotAllowed
from worker.objects.info import ObjectInfo
from worker.objects.layout import INTERNAL_PREFIX, MAX_KEY_BYTES

#: Why a folder is refused as a source.
FOLDER_FAULT: Final = "is a folder, not a list: name a file in it"

_SCHEME = "s3://"
#: What an export's files are called at most: a segment's key, an id and an ending.
_FILE_NAME_BYTES: Final = 320
# Upper case and underscores exist in old buckets and in services other than AWS.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_FOLDER_ENDS = ("/", "_$folder$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse_source(uri: str, allowed: tuple[str, ...]) -> tuple[str, str]:
    """Split an address into bucket and key if an import may read from it.

    The allow-list is matched on whole path segments: ``s3://b/lists`` and ``s3://b/lists/`` both
    allow ``s3://b/lists/a.csv`` and neither allows ``s3://b/lists-of-others/a.csv``. A prefix
    without a path allows the whole bucket. Nothing is decoded or normalised, so the key that was
    checked is the key that is read. Does not check whether the object exists.

    Args:
        uri: ``s3://bucket/key``; the key is taken literally, with ``?``, ``#`` and ``%``.
        allowed: prefixes of the same form.

    Returns:
        The bucket and the key.

    Raises:
        SourceNotAllowed: the address is malformed, its key is over 1,024 bytes, it leaves its
            prefix with ``..``, no prefix allows it, or it is inside bigseg's own prefix.
    """
    bucket, key = _split(uri)
    if not key:
        raise SourceNotAllowed(f"{uri!r} names no object: use s3://bucket/key")
    _check_key(uri, key)
    if key.startswith(INTERNAL_PREFIX):
        raise SourceNotAllowed(f"{uri!r} is inside bigseg's own prefix {INTERNAL_PREFIX!r}")
    _check_allowed(uri, bucket, key, allowed)
    return bucket, key


def parse_folder(uri: str, start: str, allowed: tuple[str, ...]) -> tuple[str, str]:
    """Split an address that names all objects of a folder, or those of a pattern.

    Args:
        uri: The address.
        start: The part of it that all those objects' addresses begin with; it has to be below an
            allowed prefix.
        allowed: As for :func:`parse_source`.

    Returns:
        The bucket, and the folder or the pattern.

    Raises:
        SourceNotAllowed: as :func:`parse_source`.
    """
    bucket, key = _split(uri)
    _check_key(uri, key)
    if key.startswith(INTERNAL_PREFIX):
        raise SourceNotAllowed(f"{uri!r} is inside bigseg's own prefix {INTERNAL_PREFIX!r}")
    _check_allowed(uri, bucket, _split(start)[1], allowed)
    return bucket, key


def parse_destination(uri: str, allowed: tuple[str, ...], *, inbox: str | None) -> tuple[str, str]:
    """Split an address into bucket and folder if an export may write there.

    Args:
        uri: ``s3://bucket/folder``, with or without a slash at its end.
        allowed: As for :func:`parse_source`.
        inbox: A prefix of the same form, if there is one: what is put there is imported.

    Returns:
        The bucket, and what keys in the folder begin with: with its slash, or nothing.

    Raises:
        DestinationNotAllowed: as :func:`parse_source`; or it is inside the inbox, or leaves no
            room for the names of files.
    """
    try:
        bucket, path = _split(uri)
        _check_key(uri, path)
    except SourceNotAllowed as exc:
        raise DestinationNotAllowed(str(exc)) from None
    folder = f"{path.strip('/')}/" if path.strip("/") else ""
    if folder.startswith(INTERNAL_PREFIX):
        raise DestinationNotAllowed(f"{uri!r} is inside bigseg's own prefix {INTERNAL_PREFIX!r}")
    if inbox is not None and _allows(inbox, bucket, folder):
        raise DestinationNotAllowed(
            f"{uri!r} is inside the inbox {inbox}, where it would be imported: export elsewhere"
        )
    if len(folder.encode()) > MAX_KEY_BYTES - _FILE_NAME_BYTES:
        raise DestinationNotAllowed(
            f"the folder in {uri[:80]!r}… is over {MAX_KEY_BYTES - _FILE_NAME_BYTES} bytes, which "
            "leaves no room for the names of files"
        )
    if not any(_allows(prefix, bucket, folder) for prefix in allowed):
        raise DestinationNotAllowed(
            f"{uri!r} is not below an allowed prefix ({', '.join(allowed) or 'there is none'}): "
            "export to one, or extend BIGSEG_S3_DESTINATIONS"
        )
    return bucket, folder


def _check_key(uri: str, key: str) -> None:
    try:
        key_bytes = len(key.encode())
    except UnicodeEncodeError as exc:
        raise SourceNotAllowed(f"the key in {uri[:80]!r} is not Unicode text") from exc
    if key_bytes > MAX_KEY_BYTES:
        raise SourceNotAllowed(f"the key in {uri[:80]!r}… is over {MAX_KEY_BYTES} bytes")
    # S3 takes such keys literally, HTTP clients and proxies between may fold them.
    if _CONTROL.search(key) or not {".", ".."}.isdisjoint(key.split("/")):
        raise SourceNotAllowed(f"the key in {uri!r} has a control character, '.' or '..' in it")


def _check_allowed(uri: str, bucket: str, key: str, allowed: tuple[str, ...]) -> None:
    if not any(_allows(prefix, bucket, key) for prefix in allowed):
        raise SourceNotAllowed(
            f"{uri!r} is not below an allowed prefix ({', '.join(allowed) or 'there is none'}): "
            "move the list there or extend BIGSEG_S3_SOURCES"
        )


def is_folder_marker(info: ObjectInfo) -> bool:
    """Whether an object only marks a folder: consoles and Hadoop create empty ones."""
    return info.size_bytes == 0 and info.key.endswith(_FOLDER_ENDS)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
    if not uri.startswith(_SCHEME) or not _BUCKET.fullmatch(bucket):
        raise SourceNotAllowed(f"{uri[:200]!r} is not an S3 address: use s3://bucket/key")
    return bucket, key


def _allows(prefix: str, bucket: str, key: str) -> bool:
    allowed_bucket, allowed_path = _split(prefix)
    folder = allowed_path.rstrip("/")
    return bucket == allowed_bucket and (not folder or key.startswith(f"{folder}/"))
