"""The one parser of Redis URLs, for every client of every process.

Nothing else parses such a URL. A driver that did would read some forms differently: one of
them spoke plain text to a ``rediss://`` broker. A URL that cannot be parsed is refused in one
sentence that holds no part of it, because any part of a URL whose password is not
percent-encoded may be a piece of that password.
"""

import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from worker.errors import TerminalError

#: Each scheme that names a host, and whether it means TLS.
_SCHEMES: Final = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
_UNIX: Final = "unix"
_SENTINEL: Final = "sentinel"
#: Everything about a TLS connection that the URL may set.
_TLS_PARAMETERS: Final = (
    "ssl_cert_reqs",
    "ssl_check_hostname",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
)
PARAMETERS: Final = ("db", "protocol", *_TLS_PARAMETERS)

_DEFAULT_PORT: Final = 6_379
_LAST_PORT: Final = 65_535
_LOG_IN = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*")
_REST = re.compile(r"[!-~]*")
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_DATABASE = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_ENCODE: Final = (
    "percent-encode the user name and the password: / is %2F, ? is %3F, # is %23, @ is %40, "
    "% is %25, and so on"
)
_YES_NO: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: On the side of a client, ``optional`` verifies as ``required`` does.
_VERIFY: Final = {
    "required": True,
    "cert_required": True,
    "optional": True,
    "cert_optional": True,
    "none": False,
    "cert_none": False,
}


class RedisUrlRefused(TerminalError, ValueError):
    """A URL that cannot be used; the message says what to write and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a server's certificate is checked, and the certificate shown to it.

    ``ca_file`` is trusted besides what the system trusts.
    """

    verify: bool = True
    check_host: bool = True
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """Load the files. Cost: some milliseconds, for the system's certificates.

        Raises:
            RedisUrlRefused: a file cannot be read, or does not hold what it should.
        """
        context = ssl.create_default_context()
        if not (self.verify and self.check_host):
            context.check_hostname = False
        if not self.verify:
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.ca_file is not None:
                context.load_verify_locations(self.ca_file)
        except (OSError, ValueError):
            raise RedisUrlRefused("ssl_ca_certs names no readable file of certificates") from None
        try:
            if self.certificate_file is not None:
                # Without a password an encrypted key would be asked for at the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
        except (OSError, ValueError):
            raise RedisUrlRefused(
                "ssl_certfile and ssl_keyfile name no readable certificate with its unencrypted key"
            ) from None
        return context


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a server listens and how to log in."""

    host: str = "127.0.0.1"
    port: int = _DEFAULT_PORT
    socket_path: str | None = None
    """A Unix socket, used instead of host and port."""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsOptions | None = None

    @property
    def name(self) -> str:
        """Host and port, or the socket's path; no secret."""
        return self.socket_path or f"{_bracket(self.host)}:{self.port}"

    @property
    def label(self) -> str:
        """A URL of the same server without the log-in, for libraries that need a URL."""
        scheme = "redis" if self.tls is None else "rediss"
        host = quote(self.socket_path, safe="") if self.socket_path else self.name
        return f"{scheme}://{host}/{self.database}"


def parse_redis_url(url: str) -> RedisAddress:
    """Read a URL. Opens no file and no connection.

    Raises:
        RedisUrlRefused: it is not one of the forms in the runbook's table.
    """
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if separator and _SENTINEL in re.split(r"[+-]", scheme):
        raise RedisUrlRefused(
            "Sentinel is not spoken: give the URL of a name that leads to the primary"
        )
    if not separator or (scheme not in _SCHEMES and scheme != _UNIX):
        begins = ", ".join(f"{name}://" for name in _SCHEMES)
        raise RedisUrlRefused(f"a URL begins with {begins} or {_UNIX}://")
    login, place, path, query = _split_url(rest)
    parameters = _parse_parameters(query)
    username, password = _parse_login(login)
    secure = _SCHEMES.get(scheme, False)
    if secure is False and any(name in _TLS_PARAMETERS for name in parameters):
        raise RedisUrlRefused("parameters ssl_… need rediss:// or valkeys://")
    tls = _parse_tls(parameters) if secure else None
    if scheme == _UNIX:
        socket_path = _parse_socket_path(place, path)
        database = _parse_database("", parameters)
        return RedisAddress(
            socket_path=socket_path, database=database, username=username, password=password
        )
    host, port = _parse_host_and_port(place)
    database = _parse_database(path.removeprefix("/"), parameters)
    return RedisAddress(host, port, None, database, username, password, tls)


def _split_url(rest: str) -> tuple[str | None, str, str, str]:
    """Log-in, host with port, path and query, each as written."""
    if not _REST.fullmatch(rest):
        raise RedisUrlRefused(
            f"a URL holds no blanks, control characters or letters outside ASCII; {_ENCODE}"
        )
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    if "#" in tail or "@" in tail or not _ESCAPES.fullmatch(rest):
        raise RedisUrlRefused(f"a character stands where it cut the URL short; {_ENCODE}")
    login, at, place = authority.rpartition("@")
    if not _LOG_IN.fullmatch(login):
        raise RedisUrlRefused(f"the log-in holds a character of another meaning; {_ENCODE}")
    path, _, query = tail.partition("?")
    return (login if at else None), place, path, query


def _parse_login(login: str | None) -> tuple[str | None, str | None]:
    if not login or login == ":":
        return None, None
    username, colon, password = login.partition(":")
    if not colon:
        raise RedisUrlRefused("a log-in is written user:password@, or :password@ without a user")
    return _decode(username) or None, _decode(password)


def _parse_host_and_port(place: str) -> tuple[str, int]:
    host, colon, port = place, "", ""
    if "]" in place or place.count(":") == 1:
        host, colon, port = place.rpartition(":")
        if "]" in port:
            host, colon, port = place, "", ""
    if colon and not (port.isdecimal() and port.isascii() and 0 < int(port[:6]) <= _LAST_PORT):
        raise RedisUrlRefused(
            f"the port is no number from 1 to {_LAST_PORT}; if that is a password, an @ ends it"
        )
    return _parse_host(host), int(port) if colon else _DEFAULT_PORT


def _parse_host(host: str) -> str:
    if not host:
        raise RedisUrlRefused("the URL names no host")
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1])) if host.endswith("]") else _refuse_host()
        except ValueError:
            return _refuse_host()
    return host if _HOST.fullmatch(host) else _refuse_host()


def _refuse_host() -> str:
    raise RedisUrlRefused(
        "the URL names no single host: write a name, an IPv4 address or an IPv6 address in brackets"
    )


def _parse_socket_path(place: str, path: str) -> str:
    decoded = _decode(path)
    if place or not decoded.startswith("/") or decoded == "/" or _CONTROL.search(decoded):
        raise RedisUrlRefused("a Unix socket is written unix:///path/of/the/socket?db=0")
    return decoded


def _parse_database(path: str, parameters: dict[str, str]) -> int:
    given = [text for text in (path, parameters.get("db")) if text]
    if not all(_DATABASE.fullmatch(text) for text in given):
        raise RedisUrlRefused("the database is a number, written /0 behind the host or ?db=0")
    numbers = {int(text) for text in given}
    if len(numbers) > 1:
        raise RedisUrlRefused("the path and ?db= name different databases: give one of them")
    return numbers.pop() if numbers else 0


def _parse_parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in PARAMETERS:
            names = ", ".join(PARAMETERS)
            raise RedisUrlRefused(
                f"a parameter behind ? is none of {names}; time-outs and pools are not set there"
            )
        if name in found or not value:
            raise RedisUrlRefused(f"the parameter {name} is there twice, or has no value")
        found[name] = _decode(value)
    # The choice of protocol is ours alone; either is spoken by every server we can use.
    if found.pop("protocol", "2") not in {"2", "3"}:
        raise RedisUrlRefused("the parameter protocol is 2 or 3, and neither changes anything")
    return found


def _parse_tls(parameters: dict[str, str]) -> TlsOptions:
    verify = _VERIFY.get(parameters.get("ssl_cert_reqs", "required").lower())
    if verify is None:
        raise RedisUrlRefused("ssl_cert_reqs is one of required, optional and none")
    check_host = _YES_NO.get(parameters.get("ssl_check_hostname", "true").lower())
    if check_host is None:
        raise RedisUrlRefused("ssl_check_hostname is true or false")
    if "ssl_keyfile" in parameters and "ssl_certfile" not in parameters:
        raise RedisUrlRefused("ssl_keyfile needs ssl_certfile beside it")
    return TlsOptions(
        verify=verify,
        check_host=check_host and verify,
        ca_file=parameters.get("ssl_ca_certs"),
        certificate_file=parameters.get("ssl_certfile"),
        key_file=parameters.get("ssl_keyfile"),
    )


def _decode(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise RedisUrlRefused("what is percent-encoded is no UTF-8") from None


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host
