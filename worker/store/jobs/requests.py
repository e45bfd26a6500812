"""Requests with an idempotency key: the outcome of each, so that a repeat gets it again.

A request is ``receiving`` while its body is received, ``starting`` once its job has an id, and
``done`` once its answer is known. Each step replaces the record of the one before and nothing
else, so of two requests with one key only one goes on.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Literal

from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

State = Literal["receiving", "starting", "done"]

#: How long a finished request is remembered, which the API's documentation promises.
KEPT_MS: Final = 24 * 3_600_000
#: How long a request that is ``receiving`` is remembered unless renewed: its process has died.
RECEIVING_MS: Final = 60_000


@stored
@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request."""

    state: State
    owner: str
    """A random name, so that no two records are the same."""
    fingerprint: str = ""
    """Digest of all that the request asks for."""
    job_id: str = ""
    status: int = 0
    location: str = ""
    body: str = ""
    """The answer, once it is known."""


_CODEC: Final = RecordCodec(RequestRecord)


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A record as it was found."""

    record: RequestRecord
    age_ms: int
    """Since it was last replaced."""


class RequestStore:
    """Records of requests, each under a digest of what identifies it.

    Bounded: a record takes about 1 KiB beside its answer, and goes after a minute unless the
    request started a job, whose own record is larger and kept longer.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def read(self, name: str) -> StoredRequest | None:
        """Read a record; ``None`` if there is none. Cost: one round trip."""
        key = self._db.keys.request(name)
        with driver_errors("read a request's record"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.get(key)
            pipeline.pttl(key)
            text, left_ms = pipeline.execute()
        if text is None:
            return None
        record = _CODEC.decode(text, f"request {name}")
        return StoredRequest(record, max(0, _kept_ms(record) - left_ms))

    def replace(
        self, name: str, expected: RequestRecord | None, record: RequestRecord | None
    ) -> bool:
        """Replace the expected record, or none, by another, or by none.

        Replacing a record by itself renews its lifetime. Cost: one round trip.

        Returns:
            Whether the expected one was there.

        Raises:
            StoreUnavailable: no answer; it may have been written, so read before a retry.
        """
        keep_ms = 0 if record is None else _kept_ms(record)
        arguments = (_encode(expected), _encode(record), keep_ms)
        key = self._db.keys.request(name)
        return bool(self._db.run("write a request's record", "job/put_request", [key], arguments))


def digest_of(*parts: object) -> str:
    """SHA-256 of JSON values: names a request, or identifies its content."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _encode(record: RequestRecord | None) -> bytes:
    return b"" if record is None else _CODEC.encode(record)


def _kept_ms(record: RequestRecord) -> int:
    return RECEIVING_MS if record.state == "receiving" else KEPT_MS
