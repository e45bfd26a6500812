"""What a request asks for: bucket, key, parameters and headers, and the answer it gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from api.s3.blobs import BlobSlice
from api.s3.bodies import Body, Headers
from api.s3.catalogue import LAST_CHARACTER
from api.s3.errors import S3Refusal, invalid_argument

#: Source: S3 user guide, "Naming Amazon S3 objects".
_MAX_KEY_BYTES: Final = 1024
# Upper case and underscores exist in old buckets. It never starts with a dot.
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
#: Parameters that make a request one about something else than the object or bucket itself.
_SUB_RESOURCES: Final = frozenset(
    re.split(
        r"\s+",
        """accelerate acl analytics attributes cors delete encryption intelligent-tiering
        inventory legal-hold lifecycle location logging metrics notification object-lock
        ownershipControls partNumber policy policyStatus publicAccessBlock replication
        requestPayment restore retention select tagging torrent uploadId uploads versioning
        versions website""",
    )
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the stand-in.

    Attributes:
        method: of HTTP.
        bucket: empty in a request to the service.
        key: empty in a request to a bucket.
        query: its parameters.
        headers: its headers.
        body: its body, not yet read.
        now_s: when it came, in seconds of Unix time.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Headers
    body: Body
    now_s: float

    @property
    def operation(self) -> tuple[str, str, str]:
        """What tells the operations of S3 apart: level, method and sub-resource."""
        level = "object" if self.key else "bucket" if self.bucket else "service"
        sub_resource = min(_SUB_RESOURCES.intersection(self.query), default="")
        if sub_resource == "partNumber" and "uploadId" not in self.query:
            sub_resource = ""
        return level, self.method, sub_resource

    def number(self, name: str, default: int, most: int) -> int:
        """Read a parameter that is a number; one over the most counts as the most.

        Raises:
            S3Refusal: it is no number.
        """
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  # a number of 32 bits
            raise invalid_argument(f"{name} is not a number: {text[:40]!r}")
        return min(int(text), most)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: of HTTP.
        headers: besides those that every answer has.
        content: the body as bytes.
        slices: the body as slices of pieces, after ``content``; leased until it is sent.
        length: the length to state, where it is not the body's (HEAD).
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    slices: tuple[BlobSlice, ...] = ()
    length: int | None = None

    @property
    def length_bytes(self) -> int:
        """The length to state."""
        if self.length is not None:
            return self.length
        return len(self.content) + sum(part.size_bytes for part in self.slices)


def parse_target(target: str, host: str) -> tuple[str, str, dict[str, str]]:
    """Find bucket, key and parameters in a request's target.

    The bucket is the first part of the path, or of a host name such as ``lists.localhost``.

    Raises:
        S3Refusal: no bucket or key can have that name.
    """
    path, _, query = target.partition("?")
    subdomain = host.partition(":")[0].removesuffix(".localhost")
    if subdomain != host.partition(":")[0]:
        path = f"/{subdomain}{path}"
    bucket, _, key = path.removeprefix("/").partition("/")
    bucket = _decode(bucket)
    if bucket and not _BUCKET.fullmatch(bucket):
        raise S3Refusal(400, "InvalidBucketName", f"not the name of a bucket: {bucket[:80]!r}")
    return bucket, parse_key(_decode(key)), dict(parse_qsl(query, keep_blank_values=True))


def parse_source(text: str) -> tuple[str, str]:
    """Find bucket and key in the header that names the source of a copy.

    Raises:
        S3Refusal: no object can have that name.
    """
    bucket, key, _ = parse_target("/" + text.removeprefix("/").partition("?")[0], "")
    if not key:
        raise invalid_argument(f"not the source of a copy: {text[:80]!r}")
    return bucket, key


def parse_key(key: str) -> str:
    """Check that an object can have this key.

    Raises:
        S3Refusal: it is too long, or has a character that no key here may have.
    """
    if len(key.encode()) > _MAX_KEY_BYTES:
        raise S3Refusal(400, "KeyTooLongError", f"the key is over {_MAX_KEY_BYTES} bytes")
    if "\0" in key or LAST_CHARACTER in key:
        raise S3Refusal(400, "InvalidURI", "the key has the first or the last character of Unicode")
    return key


def _decode(quoted: str) -> str:
    try:
        return unquote_to_bytes(quoted.encode("latin-1")).decode()
    except ValueError as exc:
        raise S3Refusal(400, "InvalidURI", f"not UTF-8: {quoted[:80]!r}") from exc
