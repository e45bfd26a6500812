"""The files of an export as callers see them: what they are, and links to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query

from api.bodies.models import Int32, Int64, WireModel
from api.errors import NotFound
from api.jobs.downloads import MEDIA_TYPES, JobFile, describe_file
from api.jobs.records import require_list
from worker.objects import ObjectChanged, ObjectInfo, ObjectNotFound, ObjectStore
from worker.store import ExportRequest, JobState, Store

#: Signed URLs are valid for a week at most. Source: S3 user guide, "Sharing objects with presigned
#: URLs".
MOST_SECONDS: Final = 7 * 86_400
#: The media type of compressed files and manifests, which browsers save and do not display.
_OPAQUE: Final = "application/octet-stream"

Part = Annotated[
    Int32 | None,
    Query(
        ge=1,
        description="Which part of an export of parts, from 1; its manifest when left out.",
    ),
]
ExpiresIn = Annotated[
    Int32 | None,
    Query(
        alias="expiresIn",
        ge=1,
        le=MOST_SECONDS,
        description="For how many seconds the URLs of the files can be used, by anybody, without "
        "a token; there are no URLs when it is left out.",
    ),
]


class ExportResult(WireModel):
    """What a complete export has written."""

    files: Int32
    """How many files there are, without the manifest of an export of parts."""
    sha256: str | None
    """The digest of the file, in hexadecimal; of parts, each has its own in the manifest."""
    revision: Int32
    """The revision of the lists."""
    as_of: Int64
    """Unix ms: edits that were answered before this moment are in it, later ones may be."""
    expiration_time: Int64 | None
    """When bigseg deletes the files; null at a destination, where they stay."""
    deleted: bool
    """Whether the files are deleted."""
    address: str | None
    """At a destination, where the file is, or the manifest of parts."""


class ExportFileStatus(WireModel):
    """A file of an export."""

    number: Int32
    """Which part it is, from 1."""
    filename: str
    rows: Int64
    size_bytes: Int64
    sha256: str
    address: str | None
    """Where it is, at a destination."""
    download: str
    """The path from which it is downloaded with a token."""
    url: str | None
    """A URL with which anybody can download it until it expires, if one was asked for."""
    url_expiration_time: Int64 | None


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that an export has written."""

    number: int
    name_end: str
    """What its name ends with, such as ``-00001.csv``."""
    rows: int
    sha256: str
    info: ObjectInfo


def represent_result(request: ExportRequest, state: JobState, now_ms: int) -> ExportResult | None:
    """What an export has written; ``None`` until it is complete."""
    report = state.report
    if report is None:
        return None
    expires_ms, first = report.get("expires"), report.get("manifest", report)
    return ExportResult(
        files=report.get("files", 1),
        sha256=report.get("sha256"),
        revision=report.get("revision", 0),
        as_of=report.get("asOf", 0),
        expiration_time=expires_ms,
        deleted=_are_deleted(state) or (expires_ms is not None and expires_ms <= now_ms),
        address=None
        if request.options.destination is None
        else f"s3://{first['bucket']}/{first['key']}",
    )


def _are_deleted(state: JobState) -> bool:
    return state.discarded_by is not None or state.files_deleted_ms is not None


def find_files(
    store: Store, objects: ObjectStore, request: ExportRequest, state: JobState
) -> Sequence[ExportFile]:
    """The files of a complete export, in order.

    Others may write to a destination, so a manifest is believed only as the export wrote it: what
    it names is sent and linked with bigseg's own credentials.

    Cost: a round trip; for parts, a read of their manifest.

    Raises:
        NotFound: it is not complete, its files were deleted or replaced, or its list is deleted.
        ObjectError: the bucket cannot tell.
    """
    report = _require_files(store, request, state)
    ending = request.options.ending
    manifest = report.get("manifest")
    if manifest is None:
        info = ObjectInfo(report["bucket"], report["key"], report["sizeBytes"], report["etag"])
        file = ExportFile(1, f".{ending}", report["rows"], report.get("sha256", ""), info)
        return [file]
    info = _manifest_info(manifest)
    try:
        content = b"".join(objects.read_range(info, 0, info.size_bytes))
    except (ObjectNotFound, ObjectChanged) as exc:
        raise NotFound(_deleted(request)) from exc
    return [
        _read_entry(number, entry, f"-{number:05d}.{ending}")
        for number, entry in enumerate(json.loads(content)["entries"], 1)
    ]


def _manifest_info(manifest: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(manifest["bucket"], manifest["key"], manifest["sizeBytes"], manifest["etag"])


def _read_entry(number: int, entry: Any, name_end: str) -> ExportFile:  # noqa: ANN401 - any JSON
    bucket, _, key = entry["url"].removeprefix("s3://").partition("/")
    meta = entry["meta"]
    info = ObjectInfo(bucket, key, meta["content_length"], entry["etag"])
    return ExportFile(number, name_end, meta["record_count"], entry["sha256"], info)


def find_file(
    store: Store,
    objects: ObjectStore,
    request: ExportRequest,
    state: JobState,
    stem: str,
    part: int | None,
) -> JobFile:
    """One file of an export.

    Args:
        store: where it is on record.
        objects: where it is.
        request: the export.
        state: how far it is.
        stem: what the file is called; its number and format follow.
        part: which part; of an export of parts, its manifest if unset.

    Raises:
        NotFound: the export is not complete, or has no such part, or its files or its list were
            deleted.
        ObjectError: the bucket cannot tell.
    """
    manifest = _require_files(store, request, state).get("manifest")
    if manifest is not None and part is None:
        info = _manifest_info(manifest)
        headers = describe_file(info, f"{stem}-manifest.json", _OPAQUE)
        return JobFile(info, headers, _deleted(request))
    files = find_files(store, objects, request, state)
    number = part or 1
    if number > len(files):
        raise NotFound(f"export {request.export_id} has no part {number}; it has {len(files)}")
    file = files[number - 1]
    headers = describe_file(file.info, stem + file.name_end, _media_type(request))
    return JobFile(file.info, headers, _deleted(request))


def represent_files(
    objects: ObjectStore,
    files: Sequence[ExportFile],
    request: ExportRequest,
    stem: str,
    download: str,
    expires: tuple[int, int] | None,
) -> list[ExportFileStatus]:
    """What callers see of files.

    Args:
        objects: signs their URLs.
        files: the files.
        request: the export.
        stem: what the files are called.
        download: the path of the export's download.
        expires: after how many seconds URLs expire, and the time now, Unix ms; none if unset.
    """
    media_type = _media_type(request)

    def url_of(file: ExportFile) -> str | None:
        if expires is None:
            return None
        name = stem + file.name_end
        return objects.download_url(
            file.info, filename=name, content_type=media_type, expires_s=expires[0]
        )

    has_parts = request.options.part_rows is not None
    return [
        ExportFileStatus(
            number=file.number,
            filename=stem + file.name_end,
            rows=file.rows,
            size_bytes=file.info.size_bytes,
            sha256=file.sha256,
            address=None
            if request.options.destination is None
            else f"s3://{file.info.bucket}/{file.info.key}",
            download=f"{download}?part={file.number}" if has_parts else download,
            url=url_of(file),
            url_expiration_time=None if expires is None else expires[1] + expires[0] * 1_000,
        )
        for file in files
    ]


def download_type(request: ExportRequest) -> str:
    """The media type of what the download of an export gives without ``part``."""
    if request.options.part_rows is not None:
        return _OPAQUE
    return _media_type(request).partition(";")[0]


def _media_type(request: ExportRequest) -> str:
    options = request.options
    return MEDIA_TYPES[options.format] if options.compression == "none" else _OPAQUE


def _require_files(store: Store, request: ExportRequest, state: JobState) -> dict[str, Any]:
    require_list(store, request)
    if state.status != "complete" or state.report is None:
        raise NotFound(f"export {request.export_id} has no file: it is {state.status}")
    if _are_deleted(state):
        raise NotFound(_deleted(request))
    return state.report


def _deleted(request: ExportRequest) -> str:
    return f"the file of export {request.export_id} was deleted or replaced since; export again"
