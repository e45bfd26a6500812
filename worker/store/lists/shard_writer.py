"""Sends the shards of one build to the server, in windows, behind the fence."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from redis.exceptions import NoPermissionError, ResponseError

from worker.batches import batches
from worker.store.errors import StoreError, StoreRefused
from worker.store.keyspace import ListRef, Side
from worker.store.lists.window_sender import Clock, Pacing, WindowSender
from worker.store.members import build_payloads
from worker.store.server.connections import driver_errors, node_client
from worker.store.server.database import Database
from worker.store.server.scripts import ScriptName

#: Shards in one call of a script: member by member a shard costs the server 30 µs and more.
_FILLED_PER_CALL: Final = 8
#: About 0.4 ms of server time.
_COPIES_PER_CALL: Final = 64
#: What the pace counts for a shard: a copy leaves the append-only file two names to write.
_FILLED_BYTES: Final = 2_000
_COPIED_BYTES: Final = 200
#: Bytes of calls sent and not yet answered.
_CALL_BYTES: Final = 128 * 1024
#: Calls sent and not yet answered.
_CALLS: Final = 2

ShardMembers = tuple[int, Sequence[bytes]]


class ShardWriter:
    """Writes shards of the revision that one import builds.

    Never reconnects: any error means that what was written is unknown, and the caller starts
    its whole range again. Rewriting a shard is safe.

    Windows of whole shards take turns on two connections, so that the server stores one while
    the reply to the other is on its way.
    """

    def __init__(
        self,
        database: Database,
        ref: ListRef,
        import_id: str,
        target: str,
        *,
        on_sent: Callable[[int], None] = lambda _: None,
        pacing: Pacing | None = None,
        clock: Clock = Clock(),  # noqa: B008 - it is immutable
    ) -> None:
        """Open a writer.

        Args:
            database: Where the list is.
            ref: The list.
            import_id: The import that holds the list.
            target: Name of the revision that it builds.
            on_sent: Called with the bytes of each window or call: renews leases.
            pacing: How fast it may go; ``None`` is as fast as it can.
            clock: The time.
        """
        self._db = database
        self._ref = ref
        self._import_id = import_id
        self._target = target
        self._on_sent = on_sent
        self._record = database.keys.list_record(ref)
        self._what = f"write shards of {ref.name}"
        self._waiting: deque[tuple[int, int]] = deque()
        self._waiting_bytes = 0
        self._replies: list[Any] = []
        self._loaded = self._broken = False
        self._node = node_client(database.client, self._record)
        with driver_errors(f"connect to write {ref.name}"):
            self._sender = WindowSender(
                self._node,
                database.keys.fence(ref),
                target,
                f"import {import_id}",
                pacing=pacing or Pacing.of(self._node, 0),
                clock=clock,
            )

    def takes_payloads(self) -> bool:
        """Whether this node restores our shard payload. Cost: four round trips.

        An older server refuses the payload's version, and RESTORE or WATCH may be forbidden to
        this user; then use :meth:`fill`.
        """
        probe = f"{self._db.keys.list_prefix(self._ref)}probe:{self._import_id}"
        with driver_errors(f"probe {self._ref.name}"):
            try:
                self._node.restore(probe, 1_000, _empty_payload(), replace=True)
            except NoPermissionError:
                return False
            except ResponseError as exc:
                if "payload" in str(exc).lower():
                    return False
                raise
            self._node.unlink(probe)
            return self._sender.may_watch()

    def put(self, side: Side, first_shard: int, payloads: Sequence[bytes]) -> None:
        """Write consecutive whole shards from RESTORE payloads.

        Cost: for a shard of 61 UUIDs 4 microseconds of this process and 5 to 6 of the server
        (Redis 8.2), 15 of a Valkey 9.1 with libc's allocator; without an append-only file.

        Raises:
            Fenced: the import no longer holds the list.
            OutOfMemory: the server is full.
            StoreUnavailable: the whole range has to be started again.
        """
        self._collect()
        prefix = self._db.keys.shard_prefix(self._ref, self._target, side).encode()
        with self._errors():
            for size in self._sender.send(prefix, first_shard, payloads):
                self._on_sent(size)

    def fill(self, side: Side, shards: Iterable[ShardMembers]) -> None:
        """Write whole shards member by member, for servers that refuse payloads."""
        for group in batches(shards, _FILLED_PER_CALL):
            self._send("list/fill_shards", side, _flatten(group), len(group) * _FILLED_BYTES)

    def copy(
        self,
        side: Side,
        first: int,
        stop: int,
        changed: Iterable[ShardMembers],
        *,
        removes: bool = False,
    ) -> tuple[int, int]:
        """Copy shards ``first`` to ``stop`` (exclusive) of the base and change some of them.

        Args:
            side: The side.
            first: First shard.
            stop: After the last shard.
            changed: Members to add to some of these shards, in order of the shards.
            removes: Whether these members are removed instead.

        Returns:
            How many members the base had in them, and how many were added or removed.

        Raises:
            ListUnknown: a shard of the base is missing.
            Fenced: the import no longer holds the list.
            StoreUnavailable: the whole range has to be started again.
        """
        self.flush()
        waiting, command = deque(changed), "SREM" if removes else "SADD"
        for start in range(first, stop, _COPIES_PER_CALL):
            last = min(start + _COPIES_PER_CALL, stop) - 1
            group: list[ShardMembers] = []
            while waiting and waiting[0][0] <= last:
                group.append(waiting.popleft())
            args = [start, last, command, *_flatten(group)]
            self._send("list/copy_shards", side, args, (last - start + 1) * _COPIED_BYTES)
        replies = self._collect()
        return sum(copied for copied, _ in replies), sum(count for _, count in replies)

    def flush(self) -> None:
        """Wait until everything sent is answered; only then is it written.

        Raises:
            Fenced: the import no longer holds the list.
            OutOfMemory: the server is full.
            StoreUnavailable: the whole range has to be started again.
        """
        self._settle()
        self._collect()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate what the driver raises; whatever is raised ends the use of the connections."""
        try:
            with driver_errors(self._what):
                yield
        except BaseException:
            self._broken = True
            raise

    def _settle(self) -> None:
        with self._errors():
            self._sender.settle()

    def _send(self, name: ScriptName, side: Side, args: Sequence[Any], paced_bytes: int) -> None:
        if not self._waiting:
            self._settle()
        script = self._db.scripts.get(name)
        connection = self._sender.connection
        with self._errors():
            call = ("EVALSHA", script.sha) if self._loaded else ("EVAL", script.text)
            packed = connection.pack_command(*call, 1, self._record, self._import_id, side, *args)
            # Skips the role check, which would read a pending reply; a replica refuses the
            # write anyway.
            connection.send_packed_command(packed, check_health=False)
        size = sum(map(len, packed))
        self._waiting.append((size, paced_bytes))
        self._waiting_bytes += size
        while self._waiting_bytes > _CALL_BYTES or len(self._waiting) > _CALLS:
            self._read()

    def _read(self) -> None:
        with self._errors():
            reply = self._sender.connection.read_response()
        size, paced_bytes = self._waiting.popleft()
        self._waiting_bytes -= size
        self._replies.append(reply)
        self._on_sent(size)
        self._sender.pause_after(paced_bytes)

    def _collect(self) -> list[Any]:
        while self._waiting:
            self._read()
        replies, self._replies = self._replies, []
        return replies

    def __enter__(self) -> Self:
        names: tuple[ScriptName, ...] = ("list/fill_shards", "list/copy_shards")
        try:
            with driver_errors("load the scripts"):
                for name in names:
                    self._node.script_load(self._db.scripts.get(name).text.decode())
                self._loaded = True
        except StoreRefused as exc:
            # SCRIPT may be forbidden to this user; then each call brings its script along.
            if not isinstance(exc.__cause__, NoPermissionError):
                self._sender.close(broken=True)
                raise
        except StoreError:
            self._sender.close(broken=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._broken |= error is not None or bool(self._waiting)
        try:
            if not self._broken:
                with self._errors():
                    self._sender.end()
        finally:
            self._sender.close(broken=self._broken)


def _flatten(group: Sequence[ShardMembers]) -> list[Any]:
    args: list[Any] = []
    for index, members in group:
        args += (index, len(members), *members)
    return args


def _empty_payload() -> bytes:
    no_hashes = np.empty(0, np.uint64)
    none = pa.array([], pa.binary())
    return build_payloads(none, no_hashes, bits=0, first_shard=0, shard_count=1)[0]
