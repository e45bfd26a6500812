"""Running a test's proxy: a thread that serves, and its end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Proxy(Protocol):
    """What accepts connections until it is told to end."""

    listener: socket.socket
    ending: threading.Event

    def serve(self) -> None: ...


Served = TypeVar("Served", bound=Proxy)


@contextmanager
def serving(proxy: Served) -> Iterator[Served]:
    """Serve in a thread of its own while the block runs."""
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ending.set()
        # Closing a socket does not wake an accept; a last connection does.
        socket.create_connection(proxy.listener.getsockname()).close()
        thread.join()
