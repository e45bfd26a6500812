"""The audit log: one bounded stream for each environment, and one for the account."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog
from pydantic_core import from_json

from worker.batches import batches
from worker.store.audit.entries import AuditEntry, Change, Position, decode, encode
from worker.store.errors import AuditEntryNotFound, StoreError
from worker.store.jobs.records import JobRef, Status
from worker.store.keyspace import EnvironmentRef
from worker.store.server.client import StreamEntry
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

Log = EnvironmentRef | None
"""Which log: an environment's, or the account's."""

_PAGE: Final = 100
_LOGS_PER_CALL: Final = 500
_LAST_SEQUENCE: Final = 2**64 - 1

_log = structlog.get_logger(__name__)


class AuditStore:
    """Who changed what, under one prefix.

    Each log keeps its newest entries and drops older ones. An environment's log is deleted
    with the environment; changes of the environment itself are in the account's log. Reads
    may raise ``StoreUnavailable`` and are safe to retry.
    """

    def __init__(
        self, database: Database, most_entries: int, count_loss: Callable[[], None] | None = None
    ) -> None:
        self._db = database
        self._count_loss = count_loss
        self._most_entries = most_entries

    def record(self, log: Log, change: Change) -> None:
        """Record a change; never fails.

        The change remains even if the store does not accept its entry: the whole entry is then
        one ``audit.lost`` line in the process's own log.
        """
        try:
            self.append(log, change)
        except StoreError as exc:
            if self._count_loss is not None:
                self._count_loss()
            name = "account" if log is None else f"{log.project}:{log.environment}"
            _log.error("audit.lost", log=name, entry=from_json(encode(change)), reason=str(exc))

    def append(self, log: Log, change: Change) -> str:
        """Record a change. Cost: one round trip.

        Args:
            log: which log; the account's takes it instead once the environment is deleted.
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

    def append_outcome(self, ref: JobRef, status: Status, change: Change) -> bool:
        """Record that a job has reached a status, once for each. Cost: one round trip.

        Returns:
            Whether it was recorded: not if it was before, or if the environment is deleted.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        keys, env = self._db.keys, ref.env
        names = [
            keys.job(env, ref.kind, ref.job_id),
            keys.audit_log(env),
            keys.environment_state(env),
        ]
        arguments = (status, self._most_entries, encode(change))
        return bool(self._db.run(f"record {status} {ref}", "job/record_outcome", names, arguments))

    def get(self, entry_id: str) -> AuditEntry:
        """Read one entry. Cost: one round trip.

        Raises:
            AuditEntryNotFound: no entry has this id, or it was dropped.
            UnreadableRecord: the entry is damaged, or of another release.
        """
        try:
            position = Position.parse(entry_id)
        except ValueError as exc:
            raise _not_found(entry_id) from exc
        stream_id = f"{position.at_ms}-{position.sequence}"
        with driver_errors(f"read entry {entry_id[:80]} of the audit log"):
            found = self._db.client.xrevrange(
                self._key(position.env), max=stream_id, min=stream_id, count=1
            )
        if not found:
            raise _not_found(entry_id)
        return _entry(found[0], position.env)

    def newest(
        self,
        logs: Sequence[Log],
        *,
        before_ms: int | None = None,
        after_ms: int | None = None,
        older_than: Position | None = None,
    ) -> Iterator[AuditEntry]:
        """Read several logs as one, newest first, for as long as the caller iterates.

        Cost: one command for each log to begin with, 500 in one round trip, then one round
        trip for each 100 entries of a log.

        Args:
            logs: each once.
            before_ms: only entries made before this time, in Unix milliseconds.
            after_ms: only entries made after it.
            older_than: only entries that follow this one in that order.

        Raises:
            UnreadableRecord: an entry is damaged, or of another release.
        """
        lower = "-" if after_ms is None else f"{after_ms + 1}-0"
        size = max(1, _PAGE // max(1, len(logs)))
        streams: list[Iterator[AuditEntry]] = []
        for group in batches(logs, _LOGS_PER_CALL):
            with driver_errors("read the audit log"):
                pipeline = self._db.client.pipeline(transaction=False)
                for log in group:
                    upper = _upper(log, before_ms, older_than)
                    pipeline.xrevrange(self._key(log), max=upper, min=lower, count=size)
                pages = pipeline.execute()
            streams += [
                self._read_on(log, page, size, lower)
                for log, page in zip(group, pages, strict=True)
            ]
        return heapq.merge(*streams, key=lambda entry: entry.position.order, reverse=True)

    def _read_on(
        self, log: Log, page: list[StreamEntry], asked: int, lower: str
    ) -> Iterator[AuditEntry]:
        while page:
            for found in page:
                yield _entry(found, log)
            if len(page) < asked:
                return
            last, asked = _position(page[-1][0], log), _PAGE
            with driver_errors("read the audit log"):
                page = self._db.client.xrevrange(
                    self._key(log),
                    max=_stream_id(*_preceding(last.at_ms, last.sequence)),
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
            bounds.append(_preceding(same.at_ms, same.sequence))
    return _stream_id(*min(bounds))


def _preceding(at_ms: int, sequence: int) -> tuple[int, int]:
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
