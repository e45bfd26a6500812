"""One connection to one server: packed commands in, replies out in order.

The look-ups speak the protocol themselves, because a driver's pipeline costs more than
the server's answer. Nothing is ever sent twice; a connection that fails takes all that
waits on it along, so that no reply can be given to the wrong question. It fails also when
its server is no primary any more; the next one is opened to wherever the name leads then.
"""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from typing import Any, Final, Self

import structlog
from hiredis import ReplyError, pack_command

from api.lookups.connection import Wire
from worker.store import (
    ROLE_QUESTION,
    RedisAddress,
    StoreUnavailable,
    parse_redis_url,
    reason_of,
    role_in,
)

_log = structlog.get_logger(__name__)

_DEFAULT_HOST: Final = "127.0.0.1"
_DEFAULT_PORT: Final = 6_379


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens and how to log in."""

    host: str = _DEFAULT_HOST
    port: int = _DEFAULT_PORT
    path: str | None = None
    """A Unix socket, used instead of host and port."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def of_address(cls, address: RedisAddress) -> Self:
        """The same place and log-in, with its TLS files loaded.

        Raises:
            RedisUrlRefused: a file of its TLS options cannot be used.
        """
        return cls(
            host=address.host,
            port=address.port,
            path=address.socket_path,
            username=address.username,
            password=address.password,
            database=address.database,
            tls=None if address.tls is None else address.tls.context(),
        )

    @classmethod
    def of_url(cls, url: str) -> Self:
        """The endpoint of a URL in one of the runbook's forms.

        Raises:
            RedisUrlRefused: it is none of them.
        """
        return cls.of_address(parse_redis_url(url))

    def at(self, host: str, port: int) -> Self:
        """The same login at another node of a cluster."""
        return replace(self, host=host, port=port, path=None, database=0)

    @property
    def name(self) -> str:
        """Host and port, or the socket's path; no secret."""
        return self.path or f"{self.host}:{self.port}"


def encode_command(*parts: str | bytes) -> bytes:
    """Encode one command as the server reads it. Cost: under a microsecond."""
    return pack_command(parts)  # type: ignore[arg-type,no-any-return]  # its stub takes one part only


class PipelineConnection:
    """Connects when first needed, and again after a failure.

    For one event loop. Memory grows with what waits; the caller bounds that.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float,
        what: str = "store",
        is_logged: bool = True,
    ) -> None:
        """Open nothing yet.

        Args:
            endpoint: the server.
            timeout_s: how long a log-in, and then each pipeline, may take.
            what: what the server is to the caller, for messages.
            is_logged: whether the log says that it is connected, or the caller does.
        """
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._is_logged = is_logged
        self._name = f"the {what} at {endpoint.name}"
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[Wire] | None = None
        self._failing = False

    async def request(self, commands: bytes, reply_count: int) -> list[Any]:
        """Send packed commands and wait for all their replies.

        Args:
            commands: one or more commands, each packed by ``hiredis.pack_command``.
            reply_count: how many commands they are.

        Returns:
            The replies in order; an error reply is a ``hiredis.ReplyError`` in its place.

        Raises:
            StoreUnavailable: no connection, no answer in time, or the connection was lost.
                Safe to retry if the commands only read.
        """
        wire = self._wire
        if wire is None or wire.lost:
            wire = await self._connected()
        return await wire.submit(commands, reply_count)

    def close(self) -> None:
        """Close the connection; what waits fails. Idempotent."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._wire is not None:
            self._wire.abort("closed")

    async def _connected(self) -> Wire:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connect_ended)
        # Shielded: a caller that gives up waiting must not end it for the others.
        return await asyncio.shield(self._connecting)

    def _connect_ended(self, task: "asyncio.Task[Wire]") -> None:
        self._connecting = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._wire = task.result()
        self._tell(error)
        self._failing = error is not None

    def _tell(self, error: BaseException | None) -> None:
        if not self._is_logged:
            return
        server = self._endpoint.name
        if error is None:
            _log.info("lookup.connected", server=server)
        elif not self._failing:  # once, and not for every look-up that tries
            _log.warning("lookup.disconnected", server=server, reason=str(error))

    async def _connect(self) -> Wire:
        end = self._endpoint
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                if end.path is not None:
                    _, wire = await loop.create_unix_connection(self._new_wire, end.path)
                else:
                    _, wire = await loop.create_connection(
                        self._new_wire, end.host, end.port, ssl=end.tls
                    )
                await self._log_in(wire)
        except (OSError, TimeoutError) as exc:
            message = f"no connection to {self._name} ({type(exc).__name__}); retry"
            raise StoreUnavailable(message) from exc
        return wire

    def _new_wire(self) -> Wire:
        return Wire(self._name, self._timeout_s)

    async def _log_in(self, wire: Wire) -> None:
        """Authenticate, choose the database, and make sure that it is a primary."""
        # PING is refused by a server that is loading, or a replica without data; HELLO is not.
        commands = [*self._login_commands(), ("PING",), (ROLE_QUESTION,)]
        packed = b"".join(starmap(encode_command, commands))
        try:
            *taken, role = await wire.submit(packed, len(commands))
            self._require_taken(taken)
            self._require_primary(role)
        except BaseException:
            wire.abort("refused at log-in")
            raise
        wire.keep_asking(encode_command(ROLE_QUESTION))

    def _login_commands(self) -> list[tuple[str, ...]]:
        end = self._endpoint
        commands: list[tuple[str, ...]] = []
        if end.password is not None:
            login = (end.username, end.password) if end.username else (end.password,)
            commands.append(("AUTH", *login))
        if end.database:
            commands.append(("SELECT", str(end.database)))
        return commands

    def _require_taken(self, replies: Sequence[Any]) -> None:
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise StoreUnavailable(
                    f"{self._name} refused the log-in: {reason_of(reply)}; retry"
                )

    def _require_primary(self, reply: Any) -> None:  # noqa: ANN401 - a reply
        self._require_taken([reply])
        role = role_in(reply)
        if role != "master":
            raise StoreUnavailable(f"{self._name} is not a primary but {role}; retry")
