"""A proxy that stands for a server's name: it leads elsewhere when told to.

As with a name, only new connections follow; those that are open stay where they are.
"""

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.proxies.serving import serving
from tests.support.servers.redis import Server

_RECEIVE_BYTES = 256 * 1024
#: Closing a socket with this option sends RST.
_RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class NameProxy:
    """Forwards each connection to the server that the name led to when it was opened."""

    leads_to: Server
    listener: socket.socket
    opened: int = 0
    """Connections so far."""
    ending: threading.Event = field(default_factory=threading.Event)
    _open: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def reset(self) -> int:
        """End every open connection by RST; give how many."""
        with self._lock:
            for client, server in self._open:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes both
            return len(self._open)

    def serve(self) -> None:
        """Accept until the end."""
        while not self.ending.is_set():
            client, _ = self.listener.accept()
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),  # a server that is gone, a client that left
            socket.create_connection(("127.0.0.1", self.leads_to.port)) as server,
        ):
            pair = client, server
            with self._lock:
                self.opened += 1
                self._open.append(pair)
            try:
                _exchange(client, server)
            finally:
                with self._lock:
                    self._open.remove(pair)


def _exchange(client: socket.socket, server: socket.socket) -> None:
    while True:
        for source in select.select([client, server], [], [])[0]:
            data = source.recv(_RECEIVE_BYTES)
            if not data:
                return
            (server if source is client else client).sendall(data)


@contextmanager
def running_name(server: Server) -> Iterator[NameProxy]:
    """Run a name that leads to a local server at first."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(NameProxy(server, listener)) as proxy,
    ):
        yield proxy
