"""Sends the shards of one build to the server, in windows, behind the fence."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from redis.exceptions import NoPermissionError, ResponseError

from worker.batches import batches
from worker.store.errors import StoreError, StoreRefused
from worker.store.keyspace import ListRef, Side
from worker.store.members import build_payloads
from worker.store.server.connections import driver_errors, node_client
from worker.store.server.database import Database
from worker.store.server.scripts import ScriptName

#: Shards in one call: enough that the call itself costs little, few enough that the
#: server answers look-ups between two calls (evidence: 8.7 to 9.0 M members/s at 32).
_SHARDS_PER_CALL: Final = 32
#: Member by member a shard costs the server 30 µs and more.
_FILLED_PER_CALL: Final = 8
#: Copies carry few bytes: about 0.3 ms of server time.
_COPIES_PER_CALL: Final = 64
#: Bytes sent and not yet answered.
_WINDOW_BYTES: Final = 128 * 1024
#: Calls sent and not yet answered.
_WINDOW_CALLS: Final = 4

ShardMembers = tuple[int, Sequence[bytes]]


class ShardWriter:
    """Writes shards of the revision that one import builds.

    Uses one connection and never reconnects: any error means that what was written
    is unknown, and the caller starts its whole range again. Rewriting a shard is safe.
    """

    def __init__(
        self,
        database: Database,
        ref: ListRef,
        import_id: str,
        *,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Open a writer.

        Args:
            database: Where the list is.
            ref: The list.
            import_id: The import that holds the list.
            on_sent: Called with the bytes of each answered call: renews leases, paces.
        """
        self._db = database
        self._ref = ref
        self._import_id = import_id
        self._on_sent = on_sent
        self._record = database.keys.list_record(ref)
        self._waiting: deque[int] = deque()
        self._waiting_bytes = 0
        self._replies: list[Any] = []
        self._loaded = False
        self._node = node_client(database.client, self._record)
        with driver_errors(f"connect to write {ref.name}"):
            self._connection = self._node.connection_pool.get_connection()

    def takes_payloads(self) -> bool:
        """Whether this node restores our shard payload. Cost: two round trips.

        An older server refuses the payload's version, and RESTORE may be forbidden to
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
        return True

    def put(self, side: Side, first_shard: int, payloads: Sequence[bytes]) -> None:
        """Write consecutive whole shards from RESTORE payloads."""
        index = first_shard
        for group in batches(payloads, _SHARDS_PER_CALL):
            args: list[Any] = []
            for payload in group:
                args += (index, payload)
                index += 1
            self._send("list/put_shards", side, args)

    def fill(self, side: Side, shards: Iterable[ShardMembers]) -> None:
        """Write whole shards member by member, for servers that refuse payloads."""
        for group in batches(shards, _FILLED_PER_CALL):
            self._send("list/fill_shards", side, _flatten(group))

    def copy(self, side: Side, shards: Iterable[ShardMembers]) -> tuple[int, int]:
        """Copy shards of the base revision and add members to them.

        Returns:
            How many members the base had in them, and how many were new.

        Raises:
            ListUnknown: a shard of the base is missing.
            Fenced: the import no longer holds the list.
            StoreUnavailable: the whole range has to be started again.
        """
        self._collect()
        for group in batches(shards, _COPIES_PER_CALL):
            self._send("list/copy_shards", side, _flatten(group))
        replies = self._collect()
        return sum(copied for copied, _ in replies), sum(added for _, added in replies)

    def flush(self) -> None:
        """Wait until everything sent is answered; only then is it written.

        Raises:
            Fenced: the import no longer holds the list.
            OutOfMemory: the server is full.
            StoreUnavailable: the whole range has to be started again.
        """
        self._collect()

    def _send(self, name: ScriptName, side: Side, args: Sequence[Any]) -> None:
        script = self._db.scripts.get(name)
        with driver_errors(f"write shards of {self._ref.name}"):
            call = ("EVALSHA", script.sha) if self._loaded else ("EVAL", script.text)
            packed = self._connection.pack_command(
                *call, 1, self._record, self._import_id, side, *args
            )
            # Skips the role check, which would read a pending reply; a replica refuses the
            # write anyway.
            self._connection.send_packed_command(packed, check_health=False)
        size = sum(map(len, packed))
        self._waiting.append(size)
        self._waiting_bytes += size
        while self._waiting_bytes > _WINDOW_BYTES or len(self._waiting) > _WINDOW_CALLS:
            self._read()

    def _read(self) -> None:
        with driver_errors(f"write shards of {self._ref.name}"):
            reply = self._connection.read_response()
        size = self._waiting.popleft()
        self._waiting_bytes -= size
        self._replies.append(reply)
        self._on_sent(size)

    def _collect(self) -> list[Any]:
        while self._waiting:
            self._read()
        replies, self._replies = self._replies, []
        return replies

    def __enter__(self) -> Self:
        names: tuple[ScriptName, ...] = ("list/put_shards", "list/fill_shards", "list/copy_shards")
        try:
            with driver_errors("load the scripts"):
                for name in names:
                    self._node.script_load(self._db.scripts.get(name).text.decode())
                self._loaded = True
        except StoreRefused as exc:
            # SCRIPT may be forbidden to this user; then each call brings its script along.
            if not isinstance(exc.__cause__, NoPermissionError):
                self._close(broken=True)
                raise
        except StoreError:
            self._close(broken=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close(broken=error is not None)

    def _close(self, *, broken: bool) -> None:
        # A connection with unread replies would answer the next user with ours.
        if broken or self._waiting:
            self._connection.disconnect()
        self._node.connection_pool.release(self._connection)


def _flatten(group: Sequence[ShardMembers]) -> list[Any]:
    args: list[Any] = []
    for index, members in group:
        args += (index, len(members), *members)
    return args


def _empty_payload() -> bytes:
    no_hashes = np.empty(0, np.uint64)
    none = pa.array([], pa.binary())
    return build_payloads(none, no_hashes, bits=0, first_shard=0, shard_count=1)[0]
