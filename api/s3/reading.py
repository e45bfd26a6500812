"""GetObject and HeadObject: whole, in ranges, and under conditions."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Final

from api.s3.catalogue import StoredObject
from api.s3.conditions import is_unchanged, parse_range
from api.s3.errors import S3Refusal, invalid_argument
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn
from api.s3.tagging import TAGGING

#: Parameters of a presigned URL that set a header of the answer.
_OVERRIDES: Final = {
    f"response-{name}": name
    for name in (
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    )
}
_ARCHIVES: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def get_object(stand_in: StandIn, request: Request) -> Answer:
    """GetObject: reads nothing but the range asked for."""
    stored: StoredObject | None = None
    while True:
        stored = stand_in.find(request.bucket, request.key, stored)
        answer = _answer(stand_in, request, stored)
        if stand_in.blobs.lease(answer.slices):
            return answer


def _answer(stand_in: StandIn, request: Request, stored: StoredObject) -> Answer:
    if is_unchanged(stored, request.headers):
        return Answer(304, _headers(stored, request.query))
    if request.method == "GET" and stored.headers.get("x-amz-storage-class") in _ARCHIVES:
        message = "the operation is not valid for the object's storage class"
        raise S3Refusal(403, "InvalidObjectState", message)
    size = stored.size_bytes
    headers = _headers(stored, request.query)
    wanted = parse_range(request.headers.get("range"), size)
    start, end = wanted or (0, size)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if wanted else 200
    if request.method == "HEAD":
        return Answer(status, headers, length=end - start)
    return Answer(status, headers, slices=stand_in.blobs.cut(stored.blobs, start, end))


def _headers(stored: StoredObject, query: Mapping[str, str]) -> dict[str, str]:
    overrides = {_OVERRIDES[name]: query[name] for name in _OVERRIDES if name in query}
    for name, value in overrides.items():
        # Else a link could end the headers early, or hold what no header can.
        if not (value.isascii() and value.isprintable()):
            raise invalid_argument(f"response-{name} has characters that no header can have")
    return {
        "content-type": "binary/octet-stream",
        **{name: value for name, value in stored.headers.items() if name != TAGGING},
        **overrides,
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified_s, usegmt=True),
        "Accept-Ranges": "bytes",
    }
