"""Refusing at once lists in S3 that no import could read."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

from api.errors import InvalidRequest
from api.services.services import Services
from worker.foreign_files import (
    SNIFF_BYTES,
    is_perhaps_lines,
    name_foreign_file,
    name_foreign_text,
)
from worker.list_options import Format
from worker.objects import (
    FOLDER_FAULT,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectError,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    ObjectStoreRefused,
    SourceNotAllowed,
    is_folder_marker,
    parse_source,
)

#: How compressed files begin that are read: the worker decompresses them.
_READ_COMPRESSED: Final = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh")


def require_list(head: bytes, told: Format | None) -> None:
    """Refuse what is plainly no list, as far as that can be told from its first bytes.

    What is compressed, in UTF-16 or perhaps JSON Lines passes: the import looks at it again. Text
    passes if its format is told.

    Args:
        head: the file's first bytes, all there are up to ``SNIFF_BYTES``.
        told: what the importer says it is.

    Raises:
        InvalidRequest: it is no list; names what it is.
    """
    if head.startswith(_READ_COMPRESSED):
        return
    found = name_foreign_file(head)
    if found is None and told is None and not is_perhaps_lines(head):
        found = name_foreign_text(head)
    if found is not None:
        raise InvalidRequest(str(found))


async def require_importable(services: Services, source: str, told: Format | None = None) -> None:
    """Refuse a source that is known not to be importable.

    Asks S3 twice, for a few seconds each at most. A list that is missing may still come, and a
    store that does not answer this process now, or not its credentials, may answer the worker:
    these pass, and the import says how it ended.

    Raises:
        InvalidRequest: it is a folder or no list, or only its decoded key exists, or S3 refuses to
            give it for a reason that waiting does not change: an archive, a policy, a KMS key, a
            region.
        SourceNotAllowed: as :func:`parse_source`.
    """
    allowed = services.settings.sources
    bucket, key = parse_source(source, allowed)
    try:
        await services.object_threads.run(_check, services.objects(), bucket, key, allowed, told)
    except (ObjectArchived, ObjectAccessDenied, ObjectStoreRefused) as exc:
        raise InvalidRequest(str(exc)) from exc
    except ObjectError:
        return


def _check(
    objects: ObjectStore, bucket: str, key: str, allowed: tuple[str, ...], told: Format | None
) -> None:
    source = f"s3://{bucket}/{key}"
    info = _head(objects, bucket, key)
    if info is not None:
        if is_folder_marker(info):
            raise InvalidRequest(f"{source} {FOLDER_FAULT}")
        require_list(objects.read_head(info, SNIFF_BYTES), told)
        return
    if key.endswith("/"):
        raise InvalidRequest(f"{source} {FOLDER_FAULT}")
    for decoded in _decoded(bucket, key, allowed):
        if _head(objects, bucket, decoded) is not None:
            raise InvalidRequest(
                f"there is no {source}, but there is s3://{bucket}/{decoded}: keys in S3 event "
                "notifications are URL-encoded; send the decoded one"
            )


def _head(objects: ObjectStore, bucket: str, key: str) -> ObjectInfo | None:
    try:
        return objects.head(key, bucket=bucket, briefly=True)
    except ObjectNotFound:
        return None


def _decoded(bucket: str, key: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """The keys that this one may encode, of those that an import may read."""
    for decoded in dict.fromkeys((unquote_plus(key), unquote(key))):
        try:
            parse_source(f"s3://{bucket}/{decoded}", allowed)
        except SourceNotAllowed:
            continue
        if decoded != key:
            yield decoded
