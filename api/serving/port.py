"""A port that several processes listen on, each with a socket of its own."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import Final, Self

from api.serving.options import Address

#: With one socket for all, whichever process wakes first accepts all that have come: of 32
#: connections that were opened together, one of two processes got 31. Linux spreads them by their
#: addresses instead. Elsewhere the option means something else.
_SPREADS: Final = sys.platform == "linux"


class Port:
    """Keeps a port bound, without listening on it, and makes sockets for the processes."""

    def __init__(self, kept: socket.socket, address: Address) -> None:
        """Take a socket that is bound to the address."""
        self._kept = kept
        self._address = address

    @classmethod
    @contextlib.contextmanager
    def bind(cls, address: Address) -> Iterator[Self]:
        """Keep the port until the end.

        Raises:
            OSError: it cannot be had; the address is wrong, or another program listens there.
        """
        # Alone at first, for another program of this user could share it as well.
        _bind(address, shared=False).close()
        with _bind(address, shared=_SPREADS) as kept:
            yield cls(kept, address)

    def make_socket(self) -> socket.socket:
        """Make a bound socket for one process; once nothing holds it, it gets no connection."""
        return _bind(self._address, shared=True) if _SPREADS else self._kept.dup()


def _bind(address: Address, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:  # as a server on one address has it
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address.host, address.port))
    except BaseException:
        made.close()
        raise
    return made
