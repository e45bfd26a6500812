"""A proxy in front of a store that loses chosen replies, or holds requests and replies back."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.proxies.serving import serving

_RECEIVE_BYTES = 256 * 1024

#: Tells by a request and what has come of its reply whether the connection is cut now.
Rule = Callable[[bytes, bytes], bool]


@dataclass(slots=True)
class CuttingProxy:
    """Forwards connections to a local server; a cut one is closed without the reply."""

    upstream_port: int
    listener: socket.socket
    rule: Rule = lambda _request, _reply: False
    before_request: Callable[[bytes], None] = lambda _request: None
    """Called with each request before it is forwarded; may wait, which holds it back."""
    before_reply: Callable[[bytes, bytes], None] = lambda _request, _reply: None
    """The same with each reply, once the server has done what was asked."""
    cuts: int = 0
    """Replies lost so far."""
    left: int = 0
    """Bytes that are still forwarded of the piece of a reply in which a rule cuts."""
    ending: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def serve(self) -> None:
        """Accept until the end."""
        while not self.ending.is_set():
            client, _ = self.listener.accept()
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        # A server that is gone, and a client that was killed, are part of the game.
        with (
            client,
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.upstream_port)) as server,
        ):
            self._exchange(client, server)

    def _exchange(self, client: socket.socket, server: socket.socket) -> None:
        request = b""
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(_RECEIVE_BYTES)
                if not data:
                    return
                if source is client:
                    request = data
                    self.before_request(data)
                    if _has_ended(client):  # killed before it could send this
                        return
                    server.sendall(data)
                elif self._is_cut(request, data):
                    client.sendall(data[: self.left])
                    return
                else:
                    self.before_reply(request, data)
                    client.sendall(data)

    def _is_cut(self, request: bytes, reply: bytes) -> bool:
        with self._lock:
            cut = self.rule(request, reply)
            self.cuts += cut
            return cut


def _has_ended(client: socket.socket) -> bool:
    """Whether the other end is closed, and has sent nothing more before."""
    if not select.select([client], [], [], 0)[0]:
        return False
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except ConnectionResetError:
        return True


@contextmanager
def running_cutting_proxy(upstream_port: int) -> Iterator[CuttingProxy]:
    """Run a proxy in front of a local server; without a rule it only forwards."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(CuttingProxy(upstream_port, listener)) as proxy,
    ):
        yield proxy
