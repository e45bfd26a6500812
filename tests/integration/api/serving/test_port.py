"""One port for several sockets: who gets connections, and who else may have it."""

import socket
import sys
from contextlib import ExitStack

import pytest

from api.serving.options import Address
from api.serving.port import Port
from tests.support.servers.ports import free_port


def test_sockets__of_one_port__share_its_connections_and_lose_them_when_closed() -> None:
    address = Address("127.0.0.1", free_port())
    with Port.bind(address) as port, ExitStack() as stack:
        first, second = (stack.enter_context(port.make_socket()) for _ in range(2))
        for one in (first, second):
            one.listen(64)
            one.settimeout(0)
        _connect(stack, address, 40)
        shares = [_accept(stack, one) for one in (first, second)]
        assert sum(shares) == 40
        if sys.platform == "linux":
            assert min(shares) > 0
            first.close()
            _connect(stack, address, 20)
            assert _accept(stack, second) == 20


def test_port__on_which_nothing_listens__is_kept_and_refuses() -> None:
    address = Address("127.0.0.1", free_port())
    with Port.bind(address), pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port))


@pytest.mark.parametrize("shares", [False, True])
def test_port__on_which_another_program_listens__cannot_be_had(shares: bool) -> None:
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with (
            pytest.raises(OSError, match="in use"),
            Port.bind(Address("127.0.0.1", other.getsockname()[1])),
        ):
            pass


def _connect(stack: ExitStack, address: Address, count: int) -> None:
    for _ in range(count):
        stack.enter_context(socket.create_connection((address.host, address.port)))


def _accept(stack: ExitStack, listening: socket.socket) -> int:
    accepted = 0
    while True:
        try:
            stack.enter_context(listening.accept()[0])
        except BlockingIOError:
            return accepted
        accepted += 1
