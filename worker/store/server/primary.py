"""Connections of redis-py that accept primaries only, and how a server's role is read.

A primary that was demoted keeps its connections and answers reads from data that no longer
changes. Only its role tells, so every connection asks for it when it opens, and again before
a command when it last did so a moment ago. A server that turns out not to be a primary is left
at once: the next connection resolves the name again.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


#: The command that tells the role. No access control list can forbid it, unlike ROLE and
#: INFO; without an argument it changes nothing.
#:
#: Source: HELLO is flagged ``no_auth`` by Redis 7.2 and later and by Valkey, and such commands
#: are left out of the check; tests/integration/api/lookups/test_logins.py asks real servers.
ROLE_QUESTION: Final = "HELLO"

#: Seconds for which an answer about the role is relied on. A demotion is noticed within this
#: time and one time-out; asking costs one more command in a pipeline, four times a second.
ROLE_COUNTS_S: Final = 0.25

#: Error codes of a server that is not, or is no longer, the one to talk to. The connection is
#: dropped, so that the next one resolves the name again.
TURNED_AWAY: Final = frozenset({"LOADING", "MASTERDOWN", "READONLY", "UNBLOCKED"})

_NO_ROOM: Final = "max number of clients reached"


def role_in(reply: Any) -> str:  # noqa: ANN401 - a reply
    """The role that a reply to the question names: ``master``, ``replica`` or ``unknown``.

    Args:
        reply: in either version of the protocol, a mapping or the same as a flat list.
    """
    return _field(reply, "role")


def mode_in(reply: Any) -> str:  # noqa: ANN401 - a reply
    """The mode that the same reply names: ``cluster``, another one, or ``unknown``."""
    return _field(reply, "mode")


def _field(reply: Any, name: str) -> str:  # noqa: ANN401 - a reply
    if isinstance(reply, Sequence) and not isinstance(reply, str | bytes):
        reply = dict(zip(reply[::2], reply[1::2], strict=False))
    if not isinstance(reply, Mapping):
        return "unknown"
    value = reply.get(name.encode(), reply.get(name, "unknown"))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def code_of(error: object) -> str:
    """The first word of an error reply."""
    return str(error).split(" ", 1)[0]


def reason_of(error: object) -> str:
    """The part of an error reply that is safe to log: its code, or that there is no room."""
    return _NO_ROOM if _NO_ROOM in str(error) else code_of(error)


class NotPrimaryError(RedisConnectionError):
    """The server is not a primary, or not now; the connection to it is closed."""


class PrimaryOnly(_Base):
    """What the three classes of connections below add to redis-py's.

    Cost: one round trip when it opens, and one before a command at most every quarter of
    a second.
    """

    #: Whether a connection that finds its server demoted may reconnect before it sends the
    #: command. Nothing was sent by then, so nothing is sent twice.
    reconnects_in_place = True
    _role_due = 0.0

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: ARG002 - redis-py's
        """Log in, and check the role.

        Raises:
            NotPrimaryError: the server is not a primary. Safe to retry.
        """
        super().on_connect_check_health(check_health=False)
        self.confirm_primary()

    def check_health(self) -> None:
        """Check the role if that was not done a moment ago.

        Redis-py calls this before each command, and before a pipeline.

        Raises:
            NotPrimaryError: the server is not a primary. Safe to retry.
        """
        if time.monotonic() < self._role_due:
            return
        try:
            self.confirm_primary()
        except RedisConnectionError:
            self._leave()
            if not self.reconnects_in_place:
                raise
            self.connect_check_health(check_health=False)
        except RedisTimeoutError:
            self._leave()
            raise

    def confirm_primary(self) -> None:
        """Ask for the role now; no reply may be outstanding on this connection.

        Raises:
            NotPrimaryError: the server is not a primary, or does not say. Safe to retry.
        """
        role = role_in(self._role_reply())
        if role != "master":
            raise NotPrimaryError(f"the server is not a primary but {role}")
        self._role_due = time.monotonic() + ROLE_COUNTS_S

    def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - any reply
        """Read one reply; disconnects from a server that turns clients away.

        Raises:
            NotPrimaryError: the reply says that the server is not the one to ask. What was
                sent before on this connection may have been done.
        """
        try:
            return super().read_response(*args, **options)
        except ResponseError as exc:
            code = getattr(exc, "status_code", None) or code_of(exc)
            if code not in TURNED_AWAY:
                raise
            self._leave()
            raise NotPrimaryError(f"the server answered {code}") from exc

    def _role_reply(self) -> Any:  # noqa: ANN401 - a reply
        self.send_command(ROLE_QUESTION, check_health=False)  # type: ignore[no-untyped-call]
        try:
            return self.read_response()
        except ResponseError as exc:
            raise NotPrimaryError(f"the server refused {ROLE_QUESTION}: {code_of(exc)}") from exc

    def _leave(self) -> None:
        self.disconnect()  # type: ignore[no-untyped-call]


class PrimaryConnection(PrimaryOnly, Connection):
    """Over TCP."""


class PrimarySSLConnection(PrimaryOnly, SSLConnection):
    """Over TLS."""


class PrimaryUnixConnection(PrimaryOnly, UnixDomainSocketConnection):
    """Over a Unix socket."""


_BY_KIND: Final[dict[type, type]] = {
    Connection: PrimaryConnection,
    SSLConnection: PrimarySSLConnection,
    UnixDomainSocketConnection: PrimaryUnixConnection,
}


def primary_only(kind: type) -> type:
    """The class for primaries that replaces one of redis-py's own."""
    return _BY_KIND[kind]
