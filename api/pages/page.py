"""A file as it is sent to a browser: what it may do there, and how long it may be kept."""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

from api.http.asgi import Header, Scope, Send, header
from api.http.entity_tags import is_named

#: Nothing inline, nothing from another origin, and no frame around it.
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
#: For what has one address in all releases: kept, but the server is asked each time.
ASK_EACH_TIME: Final = b"no-cache"
#: For what is asked for with its digest in the query. With another digest it is a server of
#: another version that is asked, during an upgrade: what it has must not be kept for the other's.
KEEP: Final = b"public, max-age=31536000, immutable"

#: Bytes handed over at one time. Each waits until the client has taken those before, so that
#: callers without a token who read nothing hold this much each, and not a whole file.
PIECE_BYTES: Final = 65_536

_OK: Final = 200
_NOT_MODIFIED: Final = 304


@dataclass(frozen=True, slots=True)
class Page:
    """Answers every ``GET`` of its path alike."""

    body: bytes
    media_type: bytes
    cache: bytes
    digest: str

    @classmethod
    def of(cls, body: bytes, media_type: str, cache: bytes = ASK_EACH_TIME) -> Self:
        """Make the page that sends this body."""
        return cls(body, media_type.encode(), cache, hashlib.sha256(body).hexdigest()[:32])

    @property
    def tag(self) -> str:
        """The value of ``ETag``."""
        return f'"{self.digest}"'

    async def answer(self, scope: Scope, send: Send) -> None:
        """Send it, or say that the client has it."""
        known = header(scope, b"if-none-match")
        if known is not None and is_named(self.tag, known.decode("latin-1")):
            await send(_start(_NOT_MODIFIED, self._headers(scope)))
            await send({"type": "http.response.body", "body": b""})
            return
        described = (
            (b"content-type", self.media_type),
            (b"content-length", b"%d" % len(self.body)),
        )
        await send(_start(_OK, (*described, *self._headers(scope))))
        for start in range(0, max(1, len(self.body)), PIECE_BYTES):
            piece = self.body[start : start + PIECE_BYTES]
            more = start + PIECE_BYTES < len(self.body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    def _headers(self, scope: Scope) -> tuple[Header, ...]:
        is_this_one = scope["query_string"] == b"v=" + self.digest.encode()
        return (
            (b"etag", self.tag.encode()),
            (b"cache-control", self.cache if is_this_one else ASK_EACH_TIME),
            (b"content-security-policy", POLICY),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        )


def _start(status: int, headers: tuple[Header, ...]) -> dict[str, object]:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}
