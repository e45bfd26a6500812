"""The bucket, as a client with presigned URLs reaches it: no token of bigseg's is sent there."""

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import httpx

from api.cli.access.tls import make_tls_context
from api.cli.connection.refusals import transport_failure
from api.cli.errors import CommandError, UnreachableError

_CONNECT_S: Final = 10.0
#: A part is answered once it is stored.
_READ_S: Final = 300.0
_WRITE_S: Final = 60.0
_PIECE_BYTES: Final = 256 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9.]{1,100})</Code>")
_MESSAGE: Final = re.compile(r"<Message>([^<]{1,300})</Message>")
_REFUSED: Final = 403
_GONE: Final = 404
_BROKEN: Final = 500
_SLOW: Final = frozenset({408, 429})
#: Refusals below 500 that another try may change.
_CURABLE: Final = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "SlowDown"})


class UrlRefused(CommandError):
    """The bucket refused a URL, which may have expired."""


class UploadGone(CommandError):
    """The bucket does not know the upload any more."""


class Bucket:
    """Sends parts over one pool of connections; a context manager, usable by threads."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        """Connect with the first request.

        Args:
            url: any URL there.
            environment: names the certificate authorities to trust.
        """
        address = httpx.URL(url)
        self.origin = f"{address.scheme}://{address.netloc.decode()}"
        self._http = httpx.Client(
            timeout=httpx.Timeout(_CONNECT_S, read=_READ_S, write=_WRITE_S),
            verify=make_tls_context(url, environment),
            # A proxy is for other machines.
            trust_env=address.host not in _LOOPBACK,
        )

    def close(self) -> None:
        """Close its connections, also those in use. Idempotent."""
        self._http.close()

    def is_reachable(self) -> bool:
        """Whether anything answers there, whatever it says. One try."""
        try:
            self._http.head(f"{self.origin}/", timeout=_CONNECT_S)
        except httpx.RequestError:
            return False
        return True

    def put(self, url: str, content: bytes, on_sent: Callable[[int], None]) -> None:
        """Store one part, which the bucket compares with its MD5.

        Args:
            url: of the part.
            content: all of it.
            on_sent: told how many bytes went out, now and then; may raise to stop.

        Raises:
            UrlRefused: the URL does not hold any more.
            UploadGone: the upload was aborted.
            UnreachableError: no answer, or one that another try may change. Safe to retry.
            CommandError: it was refused.
        """
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
        headers = {"Content-MD5": digest.decode(), "Content-Length": str(len(content))}
        try:
            reply = self._http.put(url, content=_pieces(content, on_sent), headers=headers)
        except httpx.RequestError as exc:
            raise transport_failure(exc, self.origin) from exc
        if not reply.is_success:
            raise self._refusal(reply)

    def _refusal(self, reply: httpx.Response) -> CommandError:
        code, message = _CODE.search(reply.text), _MESSAGE.search(reply.text)
        reason = f"{code[1] if code else 'no reason'} ({reply.status_code})"
        text = f"{self.origin} refused a part: {reason}{f' {message[1]}' if message else ''}"
        if reply.status_code == _REFUSED:
            return UrlRefused(text)
        if reply.status_code == _GONE:
            return UploadGone(text)
        curable = code is not None and code[1] in _CURABLE
        if curable or reply.status_code in _SLOW or reply.status_code >= _BROKEN:
            return UnreachableError(text, status=reply.status_code)
        return CommandError(text, status=reply.status_code)


def _pieces(content: bytes, on_sent: Callable[[int], None]) -> Iterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        piece = content[start : start + _PIECE_BYTES]
        yield piece
        on_sent(len(piece))
