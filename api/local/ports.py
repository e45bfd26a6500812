"""Find a port to listen on."""

import socket

from api.local.errors import PortTakenError

_HIGHEST = 65_535


def choose_port(host: str, asked: int | None, default: int, option: str) -> int:
    """Give the port that was asked for, or the default or the next free one after it.

    The port is free when this returns; nothing keeps it free until it is listened on.

    Args:
        host: the address to listen on.
        asked: the user's own choice, None for the default.
        default: where the search starts.
        option: name of the command-line option, for the message.

    Raises:
        PortTakenError: the asked port is in use, or none from the default on is free.
    """
    if asked is not None:
        if not is_free(host, asked):
            raise PortTakenError(f"port {asked} is taken: stop what uses it or change {option}")
        return asked
    for port in range(default, _HIGHEST + 1):
        if is_free(host, port):
            return port
    raise PortTakenError(f"no port from {default} on is free: name one with {option}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on the address now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is still closing does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return not _answers(family, local_host(host), port)


def local_host(host: str) -> str:
    """Give the address under which a server on ``host`` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a comparison


def _answers(family: socket.AddressFamily, host: str, port: int) -> bool:
    # macOS lets one bind to an address whose port another server has on all addresses.
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
