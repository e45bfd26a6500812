"""One delivery over HTTP: what is sent, and what its end means."""

import math
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Final

import httpcore

from worker.receiver_addresses import AllowedReceivers, ReceiverRefused, ReceiverUrl
from worker.webhooks.connecting import CheckedBackend, Deadline

_SUCCESS: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_LONGEST_REST_S: Final = 3_600
_ENDED: Final = "the connection ended before an answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a delivery."""

    status: int | None
    """The receiver's HTTP status, if it gave one."""
    fault: str | None
    """Why it failed; ``None`` if it did not. Nothing of what the receiver said is in it."""
    rest_s: int = 0
    """For how long the receiver asks to be left alone, by ``Retry-After``; an hour at most."""


class Sender:
    """Sends deliveries. Any number of threads may use it."""

    def __init__(self, allowed: AllowedReceivers, limit_s: float) -> None:
        """Say what may be reached, and for how long a delivery may take in all."""
        self._allowed = allowed
        self._limit_s = limit_s

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def send(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Send a body; never fails.

        Redirects are not followed, because they could lead inside; the answer's body is not read,
        so that its length does not matter.
        """
        try:
            status, rest_s = self._exchange(url, headers, body)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is the end of this attempt only
            return Answer(None, self._describe(exc))
        if status in _SUCCESS:
            return Answer(status, None)
        more = "; redirects are not followed" if status in _REDIRECTS else ""
        return Answer(status, f"answered {status}{more}", rest_s)

    def _exchange(self, url: str, headers: Mapping[str, str], body: str) -> tuple[int, int]:
        receiver, deadline = ReceiverUrl.parse(url, self._allowed), Deadline(self._limit_s)
        backend = CheckedBackend(receiver, self._allowed, deadline)
        secure = receiver.scheme == "https"
        # Taken apart here: httpcore would drop parts of a path, and the brackets of an address.
        address = httpcore.URL(
            scheme=receiver.scheme, host=receiver.host, port=receiver.port, target=receiver.target
        )
        sent = [("host", receiver.authority), *headers.items()]
        # Without a proxy, whatever the environment says: it would connect to what was not checked.
        with (
            httpcore.ConnectionPool(
                ssl_context=self._context if secure else None,
                max_connections=1,
                network_backend=backend,
            ) as pool,
            pool.stream("POST", address, headers=sent, content=body.encode()) as answer,
        ):
            return int(answer.status), _asked_rest_s(answer.headers)

    def _describe(self, error: Exception) -> str:  # noqa: PLR0911 - one reason each
        match error:
            case ReceiverRefused():
                return str(error)
            case socket.gaierror():
                return "its name does not resolve"
            case httpcore.TimeoutException():
                return f"no answer within {self._limit_s:g} s"
            case httpcore.ConnectError():
                cause = error.__cause__ or error.__context__
                if isinstance(cause, ssl.SSLCertVerificationError):
                    return f"its certificate is not valid: {cause.verify_message}"
                if isinstance(cause, ConnectionResetError):
                    return _ENDED  # while TLS was agreed on
                return "TLS failed" if isinstance(cause, ssl.SSLError) else "could not connect"
            case httpcore.ProtocolError():
                return "answered something that is not HTTP"
            case httpcore.NetworkError():
                return _ENDED
            case _:
                return f"could not be sent ({type(error).__name__})"


def _asked_rest_s(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The seconds of ``Retry-After``, or until its date; 0 if it is neither, or in the past.

    Source: RFC 9110, section 10.2.3.
    """
    found = {name.lower(): value for name, value in headers}
    asked = found.get(b"retry-after", b"").strip()
    if asked.isdigit():
        return min(int(asked[:9]), _LONGEST_REST_S)
    until = _read_date(asked)
    # By the receiver's own clock, if it says what that is.
    now = _read_date(found.get(b"date", b"")) or datetime.now(UTC)
    if until is None:
        return 0
    return max(0, min(math.ceil((until - now).total_seconds()), _LONGEST_REST_S))


def _read_date(value: bytes) -> datetime | None:
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
