"""One connection to one server: packed commands in, replies out in order.

The look-ups speak the protocol themselves, because a driver's pipeline costs more than
the server's answer. Nothing is ever sent twice; a connection that fails takes all that
waits on it along, so that no reply can be given to the wrong question.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from typing import Any, Final, Self

import structlog
from hiredis import HiredisError, Reader, ReplyError, pack_command

from worker.store import RedisAddress, StoreUnavailable, parse_redis_url

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


def pack(*parts: str | bytes) -> bytes:
    """One command as the server reads it. Cost: under a microsecond."""
    return pack_command(parts)  # type: ignore[arg-type,no-any-return]  # its stub takes one part only


class PipelineConnection:
    """Connects when first needed, and again after a failure.

    For one event loop. Memory grows with what waits; the caller bounds that.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._wire: _Wire | None = None
        self._connecting: asyncio.Task[_Wire] | None = None
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

    async def _connected(self) -> "_Wire":
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connect_ended)
        # Shielded: whoever gives up waiting must not end it for the others.
        return await asyncio.shield(self._connecting)

    def _connect_ended(self, task: "asyncio.Task[_Wire]") -> None:
        self._connecting = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._wire = task.result()
            _log.info("lookup.connected", server=self._endpoint.name)
        elif not self._failing:  # once, and not for every look-up that tries
            _log.warning("lookup.unconnected", server=self._endpoint.name, reason=str(error))
        self._failing = error is not None

    async def _connect(self) -> "_Wire":
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
            message = f"no connection to the store at {end.name} ({type(exc).__name__}); retry"
            raise StoreUnavailable(message) from exc
        return wire

    def _new_wire(self) -> "_Wire":
        return _Wire(self._endpoint.name, self._timeout_s)

    async def _log_in(self, wire: "_Wire") -> None:
        """Authenticate, choose the database, and make sure that it is a primary."""
        end = self._endpoint
        commands: list[tuple[str, ...]] = []
        if end.password is not None:
            login = (end.username, end.password) if end.username else (end.password,)
            commands.append(("AUTH", *login))
        if end.database:
            commands.append(("SELECT", str(end.database)))
        commands.append(("ROLE",))
        packed = b"".join(starmap(pack, commands))
        try:
            *logins, role = await wire.submit(packed, len(commands))
            _require_primary(end.name, logins, role)
        except BaseException:
            wire.abort("refused at log-in")
            raise


def _require_primary(name: str, logins: Sequence[Any], role: Any) -> None:  # noqa: ANN401 - a reply
    # A server may forbid ROLE to this user; then the operator's URL is believed.
    forbidden = isinstance(role, ReplyError) and str(role).startswith("NOPERM")
    for reply in logins if forbidden else (*logins, role):
        if isinstance(reply, ReplyError):
            code = str(reply).split(" ", 1)[0]
            raise StoreUnavailable(f"the store at {name} refused the log-in: {code}")
    if not forbidden and role[0] != b"master":
        raise StoreUnavailable(f"the store at {name} is a {role[0].decode()}, not a primary")


@dataclass(slots=True)
class _Batch:
    future: asyncio.Future[list[Any]]
    reply_count: int
    deadline: float
    replies: list[Any]


class _Wire(asyncio.Protocol):
    """One TCP connection, from its opening to its loss."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self.lost = False
        self._name = name
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = Reader()
        self._batches: deque[_Batch] = deque()
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None

    def submit(self, commands: bytes, reply_count: int) -> asyncio.Future[list[Any]]:
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if self.lost or self._transport is None:
            future.set_exception(self._failure("the connection was lost"))
            return future
        deadline = self._loop.time() + self._timeout_s
        self._batches.append(_Batch(future, reply_count, deadline, []))
        self._transport.write(commands)
        if self._watch is None:
            self._watch = self._loop.call_at(deadline, self._check_deadline)
        return future

    def abort(self, reason: str) -> None:
        """Drop the connection: a late reply must find nobody to mislead."""
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._transport is not None:
            self._transport.abort()
        while self._batches:
            future = self._batches.popleft().future
            if not future.done():
                future.set_exception(self._failure(reason))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream has a full transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort("the connection was lost" if exc is None else type(exc).__name__)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except (HiredisError, IndexError) as exc:
            self.abort(f"an unreadable reply ({type(exc).__name__})")

    def _take(self, reply: Any) -> None:  # noqa: ANN401 - any reply
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.reply_count:
            self._batches.popleft()
            if not batch.future.done():
                batch.future.set_result(batch.replies)

    def _check_deadline(self) -> None:
        self._watch = None
        if not self._batches:
            return
        deadline = self._batches[0].deadline
        if deadline <= self._loop.time():
            self.abort(f"no answer within {self._timeout_s:g} s")
        else:
            self._watch = self._loop.call_at(deadline, self._check_deadline)

    def _failure(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"the store at {self._name} gave no answer: {reason}; retry")
