"""Find a free port for a part of a local system, and ask whether it answers there yet."""

import socket
from http.client import HTTPConnection, HTTPException

import redis

from api.local.errors import PortTakenError, ServiceUnreachableError, UrlRefusedError
from worker.redis_urls import RedisUrlRefused, parse_redis_url
from worker.store import open_client

_PROBE_LIMIT_S = 5.0
_HIGHEST = 65_535


def check_url(variable: str, url: str) -> None:
    """Make sure that a Redis URL of the user's can be used.

    Raises:
        UrlRefusedError: it cannot; the message names the variable and quotes nothing.
    """
    try:
        address = parse_redis_url(url)
        if address.tls is not None:
            address.tls.context()
    except RedisUrlRefused as exc:
        raise UrlRefusedError(f"{variable}: {exc}") from None


def check_store(url: str) -> None:
    """Make sure that the user's own store answers.

    Raises:
        UrlRefusedError: the URL cannot be used.
        ServiceUnreachableError: it does not answer. Safe to retry.
    """
    check_url("BIGSEG_REDIS_URL", url)
    try:
        with open_client(parse_redis_url(url), socket_timeout=_PROBE_LIMIT_S) as client:
            client.ping()
    except (redis.RedisError, OSError) as exc:
        # Without the URL: it may hold a password.
        reason = type(exc).__name__
        message = f"the server of BIGSEG_REDIS_URL does not answer PING ({reason}): is it up?"
        raise ServiceUnreachableError(message) from exc


def answers_ping(port: int) -> bool:
    """Whether the store on this port has loaded its data and answers."""
    try:
        with redis.Redis(host="127.0.0.1", port=port, socket_timeout=_PROBE_LIMIT_S) as client:
            return bool(client.ping())
    except redis.RedisError:  # not listening yet, or still loading
        return False


def request_status(host: str, port: int, path: str, method: str = "GET") -> int | None:
    """Send a request without a body; give its status, None if nothing answers."""
    connection = HTTPConnection(host, port, timeout=_PROBE_LIMIT_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, HTTPException):  # not listening yet
        return None
    finally:
        connection.close()


def choose_port(host: str, asked: int | None, default: int, option: str) -> int:
    """Choose the port that was asked for, or the default or the next free one after it.

    The port is free when this returns; nothing keeps it free until it is listened on.

    Args:
        host: the address to listen on.
        asked: the user's choice, None for the default.
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
    """Give the address at which a server on ``host`` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a comparison


def _answers(family: socket.AddressFamily, host: str, port: int) -> bool:
    # macOS lets one bind to an address whose port another server has on all addresses.
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
