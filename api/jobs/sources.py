"""Refusing at once lists in S3 that no import could read."""

import time
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote, unquote_plus

from api.errors import InvalidRequest
from api.services.services import Services
from worker.objects import (
    FOLDER_FAULT,
    NamedSource,
    ObjectArchived,
    ObjectError,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    Selection,
    Selector,
    SourceNotAllowed,
    UnusableSelection,
    is_folder_marker,
    parse_source,
)

#: Seconds for looking at all that a request names; what is left then is the import's to tell.
_LIMIT_S: Final = 5.0


class _OutOfTimeError(Exception):
    """There was no time to look at everything."""


async def require_importable(services: Services, named: Sequence[NamedSource]) -> None:
    """Refuse sources of which it is known that no import could read them.

    Asks S3 for a few seconds at most. A list that is missing may still come, and a store that
    does not answer now may answer the worker: both pass, and the import says how it ended.
    A prefix or a glob that names nothing, and a manifest that is missing, do not pass: what would
    be imported later is not what the caller sees now.

    Raises:
        InvalidRequest: one is a folder or is archived, or only its decoded key exists; one names
            no list; there are too many; a manifest cannot be used.
        SourceNotAllowed: as :func:`parse_source`, also for what a manifest names.
    """
    settings = services.settings
    until_s = time.monotonic() + _LIMIT_S

    def require_time() -> None:
        if time.monotonic() > until_s:
            raise _OutOfTimeError

    def check() -> None:
        objects = services.objects()
        selector = Selector(
            objects, settings.sources, settings.import_objects, require_time, briefly=True
        )
        _check(objects, selector, named)

    try:
        await services.object_threads.run(check)
    except (ObjectArchived, UnusableSelection) as exc:
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
                _check_object(objects, source, selector.allowed)
                found.add(ObjectInfo(source.bucket, source.key, 0, ""))
            case "manifest":
                for _, bucket, key in _read_manifest(selector, source):
                    found.add(ObjectInfo(bucket, key, 0, ""))
            case _:
                selector.add_to(found, source)
        selector.check_count(len(found.files))


def _read_manifest(selector: Selector, source: NamedSource) -> list[tuple[object, str, str]]:
    try:
        return [*selector.read_manifest(source)]
    except ObjectNotFound as exc:
        raise InvalidRequest(f"there is no manifest {source.address}") from exc


def _check_object(objects: ObjectStore, source: NamedSource, allowed: tuple[str, ...]) -> None:
    address, bucket, key = source.address, source.bucket, source.key
    info = _head(objects, bucket, key)
    if info is not None:
        if is_folder_marker(info):
            raise InvalidRequest(f"{address} {FOLDER_FAULT}")
        return
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
