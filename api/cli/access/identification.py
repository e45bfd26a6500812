"""Connections that carry no request until the server has proved who it is.

A token of a data directory was not given to whatever listens on a port: the system may have been
killed, and another program may have its port. So each new TCP connection begins with a challenge,
and only a connection on which the right proof came back is used, for that and all later requests.
"""

import json
import ssl
from collections.abc import Iterable
from typing import Any, Final

import h11
import httpcore
import httpx

from api.cli.errors import UnreachableError
from api.identity.proof import PATH, is_proof, make_challenge

_PIECE_BYTES: Final = 4_096
#: A proof is far shorter; another server may send anything.
_MOST_BODY_BYTES: Final = 16_384
_LIMIT_S: Final = 5.0
_OK: Final = 200


class _NotProved(Exception):
    """The server did not give the proof; it may be any program."""


class IdentifyingBackend(httpcore.NetworkBackend):
    """Opens TCP connections, and closes those to servers that do not know the key."""

    def __init__(self, key: str, server: str) -> None:
        """Ask each server for a proof.

        Args:
            key: what the server must know.
            server: the data directory of the server that is meant, for the message.
        """
        self._key = key
        self._server = server
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, and have the server prove who it is.

        Raises:
            UnreachableError: another program answers there.
        """
        stream = self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            self._identify(stream, host, port)
        except BaseException as exc:
            stream.close()
            if isinstance(exc, (_NotProved, httpcore.NetworkError, httpcore.TimeoutException)):
                message = (
                    f"http://{host}:{port} is not the bigseg of {self._server} (something else "
                    f"answers there): start `bigseg up` there again, or set BIGSEG_URL and "
                    f"BIGSEG_TOKEN; nothing was sent to it"
                )
                raise UnreachableError(message) from exc
            raise
        return stream

    def sleep(self, seconds: float) -> None:
        """Sleep between tries."""
        self._sockets.sleep(seconds)

    def _identify(self, stream: httpcore.NetworkStream, host: str, port: int) -> None:
        challenge = make_challenge()
        address, number = stream.get_extra_info("server_addr")[:2]
        name = f"[{host}]" if ":" in host else host
        request = h11.Request(
            method="GET",
            target=f"{PATH}?challenge={challenge}",
            headers=[("Host", f"{name}:{port}"), ("Accept", "application/json")],
        )
        body = _exchange(stream, request)
        try:
            proof = json.loads(body)["proof"]
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise _NotProved from exc
        if not is_proof(proof, self._key, challenge, address, number):
            raise _NotProved


def _exchange(stream: httpcore.NetworkStream, request: h11.Request) -> bytes:
    """Send a request and read its whole answer; the connection can take another one then."""
    http = h11.Connection(h11.CLIENT)
    stream.write(http.send(request) or b"", timeout=_LIMIT_S)
    http.send(h11.EndOfMessage())
    body = b""
    try:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(stream.read(_PIECE_BYTES, timeout=_LIMIT_S))
            elif isinstance(event, h11.Response) and event.status_code != _OK:
                raise _NotProved
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, (h11.Response, h11.InformationalResponse)):
                raise _NotProved
            if len(body) > _MOST_BODY_BYTES:
                raise _NotProved
    except h11.RemoteProtocolError as exc:
        raise _NotProved from exc
    if http.their_state is not h11.DONE or http.trailing_data[0]:
        raise _NotProved  # a server that closes, or that answers more than it was asked
    return body


def identifying_transport(key: str, server: str, context: ssl.SSLContext) -> httpx.HTTPTransport:
    """Make a transport for httpx whose connections all begin with the proof."""
    transport = httpx.HTTPTransport(verify=context)
    # httpx offers no argument for it; a test fails if the token ever goes without a proof.
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001
        ssl_context=context, network_backend=IdentifyingBackend(key, server)
    )
    return transport
