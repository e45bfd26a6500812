"""The look-ups' own connection against servers that behave badly on purpose."""

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hiredis import ReplyError

from api.lookups.pipeline import Endpoint, PipelineConnection, encode_command
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server
from worker.store import StoreUnavailable

_ROLE = b"*4\r\n$5\r\nproto\r\n:2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
_LOGGED_IN = b"+PONG\r\n" + _ROLE
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _with_server(
    handler: Handler, work: Callable[[PipelineConnection], Awaitable[Any]], timeout_s: float = 30
) -> Any:
    """Run some work over a connection to a server made of one function."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1_000)  # PING and HELLO
            writer.write(_LOGGED_IN)
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = PipelineConnection(Endpoint(port=port), timeout_s=timeout_s)
    try:
        return await work(connection)
    finally:
        connection.close()
        server.close()
        await asyncio.sleep(0)


def test_request__many_at_once__each_gets_its_own_replies(valkey_server: Server) -> None:
    async def work() -> None:
        connection = PipelineConnection(Endpoint.of_url(valkey_server.url), timeout_s=5)
        commands = [
            b"".join(encode_command("ECHO", f"{n}-{i}") for i in range(n % 5 + 1))
            for n in range(200)
        ]
        replies = await asyncio.gather(
            *(connection.request(one, n % 5 + 1) for n, one in enumerate(commands))
        )
        connection.close()
        assert replies == [[f"{n}-{i}".encode() for i in range(n % 5 + 1)] for n in range(200)]

    asyncio.run(work())


def test_request__error_reply__stands_in_its_place(valkey_server: Server) -> None:
    async def work() -> list[Any]:
        connection = PipelineConnection(Endpoint.of_url(valkey_server.url), timeout_s=5)
        replies = await connection.request(
            encode_command("NOSUCH") + encode_command("ECHO", "a"), 2
        )
        connection.close()
        return replies

    error, echo = asyncio.run(work())
    assert isinstance(error, ReplyError)
    assert echo == b"a"


def test_request__late_reply__is_given_to_nobody() -> None:
    connections = 0
    given_up, late = asyncio.Event(), asyncio.Event()

    async def late_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        first = connections == 1
        while data := await reader.read(1_000):
            if first:
                await given_up.wait()
                writer.write(b"+old\r\n")
                late.set()
            else:
                number = data.split(b"\r\n")[4]
                writer.write(b"+new:" + number + b"\r\n" + _ROLE * (b"HELLO" in data))

    async def work(connection: PipelineConnection) -> Any:
        with pytest.raises(StoreUnavailable, match="no answer within"):
            await connection.request(encode_command("ECHO", "1"), 1)
        connection._timeout_s = 30
        given_up.set()
        second = await connection.request(encode_command("ECHO", "2"), 1)
        await late.wait()
        return second + await connection.request(encode_command("ECHO", "3"), 1)

    assert asyncio.run(_with_server(late_once, work, 0.3)) == [b"new:2", b"new:3"]


@pytest.mark.parametrize("reply", [b"", b"$5\r\nab", b"?\r\n"])
def test_request__connection_cut_or_garbled__fails_all_that_wait(reply: bytes) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        writer.write(reply)
        await writer.drain()

    async def work(connection: PipelineConnection) -> list[list[Any] | BaseException]:
        return await asyncio.gather(
            *(connection.request(encode_command("ECHO", "x"), 1) for _ in range(3)),
            return_exceptions=True,
        )

    results = asyncio.run(_with_server(cut, work))
    assert [type(one) for one in results] == [StoreUnavailable] * 3


def test_request__reply_nobody_asked_for__ends_the_connection() -> None:
    connections = 0

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1_000)
        writer.write(b"+answer\r\n" + b"+more\r\n" * (connections == 1))
        await reader.read()

    async def work(connection: PipelineConnection) -> list[Any]:
        first = await connection.request(encode_command("ECHO", "x"), 1)
        return first + await connection.request(encode_command("ECHO", "x"), 1)

    assert asyncio.run(_with_server(talkative, work)) == [b"answer", b"answer"]
    assert connections == 2


@pytest.mark.parametrize("code", ["LOADING", "MASTERDOWN", "READONLY", "UNBLOCKED"])
def test_request__server_turns_away__it_is_asked_on_another_connection(code: str) -> None:
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.read(1_000):
            writer.write(f"-{code} not now\r\n".encode() if connections == 1 else b"+yes\r\n")

    async def work(connection: PipelineConnection) -> list[Any]:
        first = await connection.request(encode_command("ECHO", "x"), 1)
        return first + await connection.request(encode_command("ECHO", "x"), 1)

    refused, answer = asyncio.run(_with_server(once, work, timeout_s=5))
    assert str(refused).startswith(code)
    assert answer == b"yes"
    assert connections == 2


def test_request__nobody_listens__is_unavailable_at_once() -> None:
    async def work() -> None:
        connection = PipelineConnection(Endpoint(port=free_port()), timeout_s=5)
        results = await asyncio.gather(
            *(connection.request(encode_command("PING"), 1) for _ in range(5)),
            return_exceptions=True,
        )
        assert all(isinstance(one, StoreUnavailable) for one in results)
        connection.close()

    asyncio.run(work())


def test_request__silent_server__is_unavailable_within_the_limit() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def work(connection: PipelineConnection) -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(StoreUnavailable):
            await connection.request(encode_command("PING"), 1)
        return loop.time() - started

    assert asyncio.run(_with_server(silent, work, 0.3)) > 0.25


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", Endpoint("h")),
        ("redis://h:7000/2", Endpoint("h", 7_000, database=2)),
        ("redis://h?db=4", Endpoint("h", database=4)),
        ("redis://:p%40ss@h", Endpoint("h", password="p@ss")),
        ("redis://u:p@h:1", Endpoint("h", 1, username="u", password="p")),
        ("unix:///run/redis.sock", Endpoint(path="/run/redis.sock")),
    ],
)
def test_endpoint__of_a_url__is_what_redis_py_would_use(url: str, expected: Endpoint) -> None:
    assert Endpoint.of_url(url) == expected


def test_endpoint__tls__verifies_unless_told_otherwise() -> None:
    strict = Endpoint.of_url("rediss://h").tls
    lax = Endpoint.of_url("rediss://h?ssl_cert_reqs=none").tls

    assert strict is not None
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert strict.check_hostname
    assert lax is not None
    assert lax.verify_mode is ssl.CERT_NONE
    assert Endpoint.of_url("rediss://h").at("i", 2).tls is not None


def test_endpoint__shown__holds_no_password() -> None:
    endpoint = Endpoint.of_url("redis://u:secret@h:1/2")

    assert "secret" not in repr(endpoint)
    assert endpoint.name == "h:1"


@pytest.fixture
def socket_path() -> Iterator[str]:
    """A short one, as a socket's has to be."""
    with tempfile.TemporaryDirectory(prefix="bigseg-") as directory:
        yield f"{directory}/s"


def test_endpoint__of_a_unix_socket__connects(valkey_server: Server, socket_path: str) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", valkey_server.port)
        while data := await reader.read(1_000):
            upstream.write(data)
            writer.write(await upstream_reader.read(1_000))
        upstream.close()
        writer.close()
        ended.set()

    async def work() -> list[Any]:
        server = await asyncio.start_unix_server(serve, socket_path)
        connection = PipelineConnection(Endpoint.of_url(f"unix://{socket_path}"), timeout_s=5)
        replies = await connection.request(encode_command("ECHO", "a"), 1)
        connection.close()
        server.close()
        await ended.wait()
        return replies

    assert asyncio.run(work()) == [b"a"]
