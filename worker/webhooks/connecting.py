"""Connections to receivers: only to addresses that were checked, and never beyond a deadline."""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore

from worker.receiver_addresses import Address, AllowedReceivers, ReceiverUrl

#: Addresses of one name that are tried.
_MOST_ADDRESSES: Final = 4


class Deadline:
    """A moment after which an exchange is over."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left_s(self) -> float:
        """Seconds that are left.

        Raises:
            httpcore.ReadTimeout: none are.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class CheckedBackend(httpcore.NetworkBackend):
    """Opens the connection of one delivery.

    The name is resolved once, each of its addresses is checked, and one of those is connected to.
    TLS still proves the name.
    """

    def __init__(self, url: ReceiverUrl, allowed: AllowedReceivers, deadline: Deadline) -> None:
        self._url = url
        self._allowed = allowed
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the receiver.

        Raises:
            ReceiverRefused: one of its addresses is inside.
            socket.gaierror: its name leads nowhere.
        """
        del host, timeout
        addresses = resolve(self._url, self._deadline)
        for address in addresses:
            self._url.check(address, self._allowed)
        failure: Exception = httpcore.ConnectError()
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, self._deadline.left_s(), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def sleep(self, seconds: float) -> None:
        """Sleep between tries."""
        self._sockets.sleep(seconds)


class _TimedStream(httpcore.NetworkStream):
    """A connection of which each step ends at the deadline, however slowly bytes come."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._has_read = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        got = self._stream.read(max_bytes, self._deadline.left_s())
        if not got and not self._has_read:
            raise httpcore.ReadError
        self._has_read = True
        return got

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._stream.write(buffer, self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        inner = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return _TimedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's protocol
        return self._stream.get_extra_info(info)


def resolve(url: ReceiverUrl, deadline: Deadline) -> list[Address]:
    """The addresses to which a receiver's name leads, each once.

    The C library's resolver knows no deadline, so a thread asks it that may be left behind.

    Raises:
        socket.gaierror: it leads nowhere.
        httpcore.ConnectTimeout: no answer in time.
    """
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
            answers.put([ipaddress.ip_address(address[4][0]) for address in found])
        except (OSError, ValueError) as exc:
            answers.put(exc if isinstance(exc, OSError) else socket.gaierror(str(exc)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answers.get(timeout=deadline.left_s())
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
    if isinstance(found, OSError):
        raise found
    return list(dict.fromkeys(found))
