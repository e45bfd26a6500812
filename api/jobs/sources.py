"""Refusing at once lists in S3 that no import could read."""

import time
from collections.abc import Iterator, Sequence
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
from worker.objects import (
    FOLDER_FAULT,
    NamedSource,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectError,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    ObjectStoreRefused,
    Selection,
    Selector,
    SourceNotAllowed,
    UnusableSelection,
    is_folder_marker,
    parse_source,
)
from worker.options.lists import Format, ListOptions

#: Seconds for looking at all that a request names; what is left then is the import's to tell.
_LIMIT_S: Final = 5.0
#: How compressed files begin that are read: the worker decompresses them.
_READ_COMPRESSED: Final = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh")


class _OutOfTimeError(Exception):
    """There was no time to look at everything."""


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


async def require_importable(
    services: Services, named: Sequence[NamedSource], reading: ListOptions
) -> None:
    """Refuse sources of which it is known that no import could read them.

    Asks S3 for a few seconds at most; of the files, the first one's first bytes are looked at. A
    list that is missing may still come, and a store that does not answer this process now, or not
    its credentials, may answer the worker: these pass, and the import says how it ended.
    A prefix or a glob that names nothing, and a manifest that is missing, do not pass: what would
    be imported later is not what the caller sees now.

    Args:
        services: give access to S3.
        named: all that a request names.
        reading: what the importer says of the files.

    Raises:
        InvalidRequest: one is a folder, or only its decoded key exists; the first file is no list;
            one names no list; there are too many; a manifest cannot be used; or S3 refuses to give
            one for a reason that waiting does not change: an archive, a policy, a KMS key, a
            region.
        SourceNotAllowed: as :func:`parse_source`, also for what a manifest names.
    """
    settings = services.settings
    until_s = time.monotonic() + _LIMIT_S

    def require_time() -> None:
        if time.monotonic() > until_s:
            raise _OutOfTimeError

    def check() -> None:
        objects = services.objects()
        allowed, most = settings.sources, settings.import_objects
        selector = Selector(objects, allowed, most, reading, require_time, briefly=True)
        _check(objects, selector, named)

    try:
        await services.object_threads.run(check)
    except (ObjectArchived, ObjectAccessDenied, ObjectStoreRefused, UnusableSelection) as exc:
        raise InvalidRequest(str(exc)) from exc
    except SourceNotAllowed:
        raise
    except (ObjectError, _OutOfTimeError):
        return


def _check(objects: ObjectStore, selector: Selector, named: Sequence[NamedSource]) -> None:
    found = Selection()
    for source in named:
        selector.on_wait()
        match source.kind:
            case "object":
                info = _check_object(objects, source, selector.allowed)
                found.add(info or ObjectInfo(source.bucket, source.key, 0, ""))
            case "manifest":
                for _, bucket, key in _read_manifest(selector, source):
                    found.add(ObjectInfo(bucket, key, 0, ""))
            case _:
                selector.add_to(found, source)
        selector.check_count(len(found.files))
    selector.on_wait()
    _check_first(objects, found, selector.reading.format)


def _check_first(objects: ObjectStore, found: Selection, told: Format | None) -> None:
    """Look at the first bytes of the first file; it may not be there yet."""
    first = next(iter(found.files.values()))
    info = first if first.etag else _head(objects, first.bucket, first.key)
    if info is None:
        return
    try:
        require_list(objects.read_head(info, SNIFF_BYTES), told)
    except InvalidRequest as exc:
        if len(found.files) == 1:
            raise
        raise InvalidRequest(f"{info.address}: {exc}") from exc


def _read_manifest(selector: Selector, source: NamedSource) -> list[tuple[object, str, str]]:
    try:
        return [*selector.read_manifest(source)]
    except ObjectNotFound as exc:
        raise InvalidRequest(f"there is no manifest {source.address}") from exc


def _check_object(
    objects: ObjectStore, source: NamedSource, allowed: tuple[str, ...]
) -> ObjectInfo | None:
    """Find an object that is named; ``None`` if it is missing and may still come."""
    address, bucket, key = source.address, source.bucket, source.key
    info = _head(objects, bucket, key)
    if info is not None:
        if is_folder_marker(info):
            raise InvalidRequest(f"{address} {FOLDER_FAULT}")
        return info
    for decoded in _decoded(bucket, key, allowed):
        if _head(objects, bucket, decoded) is not None:
            raise InvalidRequest(
                f"there is no {address}, but there is s3://{bucket}/{decoded}: keys in S3 event "
                "notifications are URL-encoded; send the decoded one"
            )
    if next(objects.list_pages(bucket, f"{key}/", briefly=True), None):
        raise InvalidRequest(
            f"there is no {address}, but there is something below {address}/: to import all of "
            "it, write the / behind it"
        )
    return None


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
