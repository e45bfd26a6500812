"""Connections of redis-py that talk to a primary, and to nothing else.

Each makes sure of the server's role when it opens, and again before a command when it last
did so a moment ago. A server that turned out to be no primary is left at once: the next
connection resolves the name anew.
"""

import time
from typing import TYPE_CHECKING, Any, Final

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.store.server.role import ROLE_COUNTS_S, ROLE_QUESTION, TURNED_AWAY, code_of, role_in

if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


class NotPrimaryError(RedisConnectionError):
    """The server is no primary, or not now; the connection to it is closed."""


class PrimaryOnly(_Base):
    """What the three kinds of connections below add to redis-py's.

    Cost: one round trip when it opens, and one before a command at most every quarter of
    a second.
    """

    #: Whether a connection that finds its server demoted may open itself anew before it
    #: sends the command. Nothing was sent by then, so nothing is sent twice.
    reconnects_in_place = True
    _role_due = 0.0

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: ARG002 - redis-py's
        """Log in, and make sure of the role.

        Raises:
            NotPrimaryError: the server is no primary. Safe to retry.
        """
        super().on_connect_check_health(check_health=False)
        self.confirm_primary()

    def check_health(self) -> None:
        """Make sure of the role if that was not done a moment ago.

        Redis-py calls this before each command, and before a pipeline.

        Raises:
            NotPrimaryError: the server is no primary. Safe to retry.
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
        """Ask for the role now; no reply may be waited for on this connection.

        Raises:
            NotPrimaryError: the server is no primary, or does not tell. Safe to retry.
        """
        role = role_in(self._role_reply())
        if role != "master":
            raise NotPrimaryError(f"the server is not a primary but {role}")
        self._role_due = time.monotonic() + ROLE_COUNTS_S

    def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - any reply
        """Read one reply; a server that turns clients away is left.

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
    """The class of connections to primaries that stands for one of redis-py's own."""
    return _BY_KIND[kind]
