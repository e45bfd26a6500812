"""What the Go client of LaunchDarkly's Terraform provider accepts as an answer."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

_NO_CONTENT: Final = 204
_MOST_INT32: Final = 2**31 - 1
_INT32: Final = ("version", "generation", "defaultTtl", "totalCount", "defaultApiVersion")

#: What the Go client's decoder demands to be there; of what type, it checks too.
SEGMENT: Final[Mapping[str, type]] = {
    "name": str,
    "key": str,
    "tags": list,
    "creationDate": int,
    "lastModifiedDate": int,
    "rules": list,
    "version": int,
    "generation": int,
    "deleted": bool,
    "_links": dict,
}
PROJECT: Final[Mapping[str, type]] = {
    "_links": dict,
    "_id": str,
    "key": str,
    "name": str,
    "includeInSnippetByDefault": bool,
    "tags": list,
}
ENVIRONMENT: Final[Mapping[str, type]] = {
    "_links": dict,
    "_id": str,
    "key": str,
    "name": str,
    "apiKey": str,
    "mobileKey": str,
    "color": str,
    "defaultTtl": int,
    "secureMode": bool,
    "defaultTrackEvents": bool,
    "requireComments": bool,
    "confirmChanges": bool,
    "tags": list,
    "critical": bool,
}
ACCESS_TOKEN: Final[Mapping[str, type]] = {
    "_id": str,
    "ownerId": str,
    "memberId": str,
    "creationDate": int,
    "lastModified": int,
    "_links": dict,
}
PAGE: Final[Mapping[str, type]] = {"items": list, "totalCount": int}


class Refused(Exception):
    """The provider gives up and shows what it was told."""


def decoded(reply: httpx.Response, status: int, required: Mapping[str, type]) -> dict[str, Any]:
    """Decode an answer: the status, the type, the fields, their types and ranges must fit."""
    if reply.status_code != status:
        request = reply.request
        raise Refused(f"{request.method} {request.url.path}: {reply.status_code} {reply.text}")
    if status == _NO_CONTENT:
        assert reply.content == b""
        return {}
    assert reply.headers["content-type"] == "application/json"
    body: dict[str, Any] = reply.json()
    for name, kind in required.items():
        assert type(body[name]) is kind, name
    for name in _INT32:
        assert body.get(name, 0) <= _MOST_INT32
    return body
