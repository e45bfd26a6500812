"""ListObjects in both its versions."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from api.s3.catalogue import LAST_CHARACTER, StoredObject
from api.s3.documents import Fields, format_time, xml_answer
from api.s3.errors import invalid_argument
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn

MAX_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class _Page:
    objects: list[StoredObject]
    folders: list[str]
    #: The last key or folder of the page; ``None`` if nothing comes after it.
    last: str | None


def list_objects_v2(stand_in: StandIn, request: Request) -> Answer:
    """ListObjectsV2."""
    token = request.query.get("continuation-token", "")
    start_after = request.query.get("start-after", "")
    page = _read_page(stand_in, request, _decode_token(token) if token else start_after)
    encode = key_encoder(request)
    fields: dict[str, Fields | str | int | bool | list[Fields]] = {
        **_fields(request, page, encode),
        "KeyCount": len(page.objects) + len(page.folders),
        "StartAfter": encode(start_after),
    }
    if token:
        fields["ContinuationToken"] = token
    if page.last is not None:
        fields["NextContinuationToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
    return xml_answer("ListBucketResult", fields)


def list_objects(stand_in: StandIn, request: Request) -> Answer:
    """ListObjects, version 1."""
    marker = request.query.get("marker", "")
    page = _read_page(stand_in, request, marker)
    encode = key_encoder(request)
    fields = {**_fields(request, page, encode), "Marker": encode(marker)}
    if page.last is not None:
        fields["NextMarker"] = encode(page.last)
    return xml_answer("ListBucketResult", fields)


def key_encoder(request: Request) -> Callable[[str], str]:
    """Give the function that writes keys: quoted on request, because XML has no control bytes."""
    quoted = request.query.get("encoding-type") == "url"
    return (lambda key: quote(key, safe="/~")) if quoted else str


def _read_page(stand_in: StandIn, request: Request, after: str) -> _Page:
    stand_in.catalogue.require_bucket(request.bucket)
    prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
    limit = request.number("max-keys", MAX_PAGE, MAX_PAGE)
    objects: list[StoredObject] = []
    folders: list[str] = []
    last = after
    if delimiter and after.startswith(prefix):
        # The last entry may have been a folder, all of which is behind us then.
        last = _folder(after, prefix, delimiter, after) or after
    while len(objects) + len(folders) <= limit:
        wanted = limit + 1 - len(objects) - len(folders)
        found = stand_in.catalogue.after(request.bucket, prefix, last, limit=wanted)
        if not found:
            return _Page(objects, folders, None)
        for stored in found:
            if len(objects) + len(folders) == limit:
                return _Page(objects, folders, _last_entry(objects, folders, after))
            folder = stored.key.find(delimiter, len(prefix)) if delimiter else -1
            if folder >= 0:
                folders.append(stored.key[: folder + len(delimiter)])
                last = folders[-1] + LAST_CHARACTER
                break
            objects.append(stored)
            last = stored.key
    return _Page(objects, folders, None)


def _folder(key: str, prefix: str, delimiter: str, after: str) -> str | None:
    at = key.find(delimiter, len(prefix))
    is_folder = at >= 0 and after == key[: at + len(delimiter)]
    return after + LAST_CHARACTER if is_folder else None


def _last_entry(objects: list[StoredObject], folders: list[str], after: str) -> str:
    return max([after, *(stored.key for stored in objects[-1:]), *folders[-1:]])


def _fields(
    request: Request, page: _Page, encode: Callable[[str], str]
) -> dict[str, Fields | str | int | bool | list[Fields]]:
    prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
    optional = {"EncodingType": request.query.get("encoding-type"), "Delimiter": encode(delimiter)}
    return {
        "Name": request.bucket,
        "Prefix": encode(prefix),
        "MaxKeys": request.number("max-keys", MAX_PAGE, MAX_PAGE),
        **{name: value for name, value in optional.items() if value},
        "IsTruncated": page.last is not None,
        "Contents": [
            {
                "Key": encode(stored.key),
                "LastModified": format_time(stored.modified_s),
                "ETag": f'"{stored.etag}"',
                "Size": stored.size_bytes,
                "StorageClass": stored.headers.get("x-amz-storage-class", "STANDARD"),
            }
            for stored in page.objects
        ],
        "CommonPrefixes": [{"Prefix": encode(folder)} for folder in page.folders],
    }


def _decode_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (ValueError, binascii.Error) as exc:
        raise invalid_argument("the continuation token is not one of this service") from exc
