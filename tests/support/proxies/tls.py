"""TLS in front of a real server: the servers in the wheels are built without it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate authority and what it has issued, as PEM files."""

    authority: Path
    """Who signed all of them."""
    server: Path
    """Chain and key of a server at 127.0.0.1."""
    elsewhere: Path
    """Chain and key of a server of another name."""
    client: Path
    client_key: Path


def issue_files(folder: Path) -> TlsFiles:
    """Make an authority and its certificates in an existing folder."""
    names = ("authority", "server", "elsewhere", "client", "client-key")
    files = TlsFiles(*(folder / f"{name}.pem" for name in names))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(files.authority)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files.server)
    elsewhere = authority.issue_cert("elsewhere.example")
    elsewhere.private_key_and_cert_chain_pem.write_to_path(files.elsewhere)
    client = authority.issue_cert("client.example")
    for blob in client.cert_chain_pems:
        blob.write_to_path(files.client, append=True)
    client.private_key_pem.write_to_path(files.client_key)
    return files


@contextmanager
def running_tls_proxy(
    upstream_port: int, certificate: Path, client_authority: Path | None = None
) -> Iterator[int]:
    """Listen with TLS before a local server; give the port.

    Args:
        upstream_port: the server's port.
        certificate: the file shown to clients, chain and key.
        client_authority: who must have signed the clients' certificates, if they need any.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if client_authority is not None:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = _Proxy(upstream_port)
    port = asyncio.run_coroutine_threadsafe(proxy.start(context), loop).result(60)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(proxy.end(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


class _Proxy:
    """Passes bytes on; for one event loop."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext) -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        ours = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not ours]
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 5)
        await asyncio.sleep(0)  # lets transports see their end

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            upstream, up = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            self._writers |= {writer, up}
            await asyncio.gather(_pump(reader, up), _pump(upstream, writer))
            self._writers -= {writer, up}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:  # one of the two has gone, so the other one goes
        pass
    finally:
        writer.close()
