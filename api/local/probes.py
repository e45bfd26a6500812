"""Ask the parts of a local system whether they answer yet."""

from http.client import HTTPConnection, HTTPException

import redis

from api.local.errors import ServiceUnreachableError, UrlRefusedError
from worker.redis_urls import RedisUrlRefused, parse_redis_url
from worker.store import open_client

_PROBE_LIMIT_S = 5.0


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


def answers_http(host: str, port: int, path: str, method: str = "GET") -> int | None:
    """Give the status of a request without a body, None when nobody answers."""
    connection = HTTPConnection(host, port, timeout=_PROBE_LIMIT_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, HTTPException):  # not listening yet
        return None
    finally:
        connection.close()
