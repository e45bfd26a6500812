"""Sends look-ups to the nodes of the store: one connection each, one pipeline per call."""

from collections.abc import Sequence
from typing import Any, Final

from hiredis import ReplyError, pack_command

from api.lookups.counts import LookupCounts
from api.lookups.pipeline import Endpoint, PipelineConnection, encode_command
from worker.store import (
    Belief,
    Command,
    Fault,
    Keyspace,
    Node,
    Outcome,
    Stale,
    StoreError,
    lookup_commands,
    read_outcomes,
    refused_outcome,
)

_MULTI: Final = encode_command("MULTI")
_EXEC: Final = encode_command("EXEC")


class Nodes:
    """Connections to the single server, or to the nodes of a cluster, opened when needed."""

    def __init__(
        self, endpoint: Endpoint, keyspace: Keyspace, counts: LookupCounts, *, timeout_s: float
    ) -> None:
        """Open nothing yet; see :class:`Lookups`."""
        self._endpoint = endpoint
        self._keyspace = keyspace
        self._timeout_s = timeout_s
        self._connections: dict[Node, PipelineConnection] = {}
        self._counts = counts

    def close(self) -> None:
        """Close all connections; waiting pipelines fail. Idempotent."""
        for connection in self._connections.values():
            connection.close()

    async def ask(
        self, node: Node, questions: Sequence[tuple[Belief, Sequence[bytes]]]
    ) -> list[list[Outcome]]:
        """Ask lists of one node about some members each, in one pipeline.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        commands: list[bytes] = []
        ends: list[int] = []
        for belief, members in questions:
            packed = _encode(lookup_commands(self._keyspace, belief, members))
            commands += as_one_step(belief, packed)
            ends.append(len(commands))
        replies = await self.request(node, b"".join(commands), len(commands))
        starts = [0, *ends[:-1]]
        return [
            _read(belief, len(members), replies[start:end])
            for (belief, members), start, end in zip(questions, starts, ends, strict=True)
        ]

    async def request(self, node: Node, commands: bytes, count: int) -> list[Any]:
        """Send packed commands to a node, and say how many they are; raises as :meth:`ask`.

        Returns:
            The replies in order; an error reply is a ``hiredis.ReplyError`` in its place.
        """
        replies = await self._connection(node).request(commands, count)
        self._counts.pipelines += 1
        return replies

    def _connection(self, node: Node) -> PipelineConnection:
        connection = self._connections.get(node)
        if connection is None:
            endpoint = self._endpoint if node is None else self._endpoint.at(*node)
            connection = PipelineConnection(endpoint, timeout_s=self._timeout_s)
            self._connections[node] = connection
        return connection


def as_one_step(belief: Belief, commands: Sequence[bytes]) -> list[bytes]:
    """Packed commands about a list, as a transaction where the belief takes one."""
    return [_MULTI, *commands, _EXEC] if belief.asks_both else [*commands]


def replies_of_step(belief: Belief, replies: Sequence[Any]) -> Sequence[Any] | Fault:
    """The replies to the commands themselves, or what an error among them means.

    Args:
        belief: what the commands were made from.
        replies: to what :func:`as_one_step` gave.
    """
    if not belief.asks_both:
        return replies
    for reply in replies:
        if isinstance(reply, ReplyError):
            return refused_outcome(belief, reply)
    inner: Sequence[Any] = replies[-1]
    return inner


def _encode(commands: Sequence[Command]) -> list[bytes]:
    return [pack_command(command) for command in commands]  # type: ignore[arg-type]


def _read(belief: Belief, count: int, replies: Sequence[Any]) -> list[Outcome]:
    """What the replies to one step say of so many members."""
    inner = replies_of_step(belief, replies)
    if isinstance(inner, Stale | StoreError):
        return [inner] * count
    return read_outcomes(belief, inner)
