"""The log of changes: one bounded stream an environment, and one for the account."""

import heapq
import json
from collections.abc import Iterator, Sequence
from typing import Final

import structlog

from worker.store.audit.entries import AuditEntry, Change, Position, decode, encode
from worker.store.batches import batches
from worker.store.errors import AuditEntryNotFound, StoreError
from worker.store.keyspace import Scope
from worker.store.server.client import StreamEntry
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

Log = Scope | None
"""Which log: an environment's, or the account's."""

_PAGE: Final = 100
_LOGS_PER_CALL: Final = 500
_LAST_SEQUENCE: Final = 2**64 - 1

_log = structlog.get_logger(__name__)


class AuditStore:
    """Who changed what, newest first, under one prefix.

    Each log keeps its last entries and forgets older ones. An environment's log goes with
    the environment; what happened to the environment itself is in the account's.
    """

    def __init__(self, database: Database, most_entries: int) -> None:
        self._db = database
        self._most_entries = most_entries

    def record(self, log: Log, change: Change) -> None:
        """Put a change on record that has been made; never fails.

        A store that does not take the entry does not undo the change: the whole entry is
        then one ``audit.lost`` line in the process's own log.
        """
        try:
            self.append(log, change)
        except StoreError as exc:
            place = "account" if log is None else f"{log.project}:{log.environment}"
            _log.error("audit.lost", log=place, entry=json.loads(encode(change)), reason=str(exc))

    def append(self, log: Log, change: Change) -> str:
        """Put a change on record. Cost: one round trip.

        Args:
            log: where; the account's log takes it instead once the environment is deleted.
            change: what was done.

        Returns:
            The entry's id.

        Raises:
            StoreUnavailable: no answer. A retry may add it twice.
        """
        keys = [self._key(log)]
        if log is not None:
            keys.append(self._db.keys.environment_state(log))
        what, arguments = (
            f"record a change of {change.resource}",
            (self._most_entries, encode(change)),
        )
        reply: bytes = self._db.run(what, "audit/append", keys, arguments)
        if reply == b"closed":
            return self.append(None, change)
        return str(_position(reply, log))

    def get(self, entry_id: str) -> AuditEntry:
        """Read one entry. Cost: one round trip.

        Raises:
            AuditEntryNotFound: there is none of this id, or it is forgotten.
            StoreUnavailable: no answer. Safe to retry.
        """
        try:
            position = Position.parse(entry_id)
        except ValueError as exc:
            raise _not_found(entry_id) from exc
        stream_id = f"{position.at_ms}-{position.sequence}"
        with driver_errors(f"read entry {entry_id[:80]} of the log of changes"):
            found = self._db.client.xrevrange(
                self._key(position.scope), max=stream_id, min=stream_id, count=1
            )
        if not found:
            raise _not_found(entry_id)
        return _entry(found[0], position.scope)

    def newest(
        self,
        logs: Sequence[Log],
        *,
        before_ms: int | None = None,
        after_ms: int | None = None,
        older_than: Position | None = None,
    ) -> Iterator[AuditEntry]:
        """Read several logs as one, newest first, as far as the caller goes on.

        Cost: one command a log to begin with, 500 in one round trip, then one round trip
        for each 100 entries of a log.

        Args:
            logs: which, each once.
            before_ms: only entries made before this time, in Unix milliseconds.
            after_ms: only entries made after it.
            older_than: only entries after this one in the order of the answer.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        lower = "-" if after_ms is None else f"{after_ms + 1}-0"
        size = max(1, _PAGE // max(1, len(logs)))
        streams: list[Iterator[AuditEntry]] = []
        for group in batches(logs, _LOGS_PER_CALL):
            with driver_errors("read the log of changes"):
                pipeline = self._db.client.pipeline(transaction=False)
                for log in group:
                    upper = _upper(log, before_ms, older_than)
                    pipeline.xrevrange(self._key(log), max=upper, min=lower, count=size)
                pages = pipeline.execute()
            streams += [
                self._rest(log, page, size, lower) for log, page in zip(group, pages, strict=True)
            ]
        return heapq.merge(*streams, key=lambda one: one.position.order, reverse=True)

    def _rest(
        self, log: Log, page: list[StreamEntry], asked: int, lower: str
    ) -> Iterator[AuditEntry]:
        while page:
            for found in page:
                yield _entry(found, log)
            if len(page) < asked:
                return
            last, asked = _position(page[-1][0], log), _PAGE
            with driver_errors("read the log of changes"):
                page = self._db.client.xrevrange(
                    self._key(log),
                    max=_stream_id(*_before(last.at_ms, last.sequence)),
                    min=lower,
                    count=asked,
                )

    def _key(self, log: Log) -> str:
        return self._db.keys.account_audit_log() if log is None else self._db.keys.audit_log(log)


def _upper(log: Log, before_ms: int | None, older_than: Position | None) -> str:
    """The newest stream id of this log that is wanted."""
    bounds = [(_LAST_SEQUENCE, _LAST_SEQUENCE)]
    if before_ms is not None:
        bounds.append((before_ms - 1, _LAST_SEQUENCE))
    if older_than is not None:
        same = Position(older_than.at_ms, older_than.sequence, log)
        if same.order < older_than.order:
            bounds.append((same.at_ms, same.sequence))
        else:
            bounds.append(_before(same.at_ms, same.sequence))
    return _stream_id(*min(bounds))


def _before(at_ms: int, sequence: int) -> tuple[int, int]:
    return (at_ms, sequence - 1) if sequence else (at_ms - 1, _LAST_SEQUENCE)


def _stream_id(at_ms: int, sequence: int) -> str:
    return f"{at_ms}-{sequence}" if at_ms >= 0 else "0-0"  # no entry has it


def _position(stream_id: bytes, log: Log) -> Position:
    at_ms, _, sequence = stream_id.decode().partition("-")
    return Position(int(at_ms), int(sequence), log)


def _entry(found: StreamEntry, log: Log) -> AuditEntry:
    stream_id, fields = found
    return decode(_position(stream_id, log), fields[b"entry"])


def _not_found(entry_id: str) -> AuditEntryNotFound:
    return AuditEntryNotFound(f"audit log entry {entry_id[:80]} does not exist")
