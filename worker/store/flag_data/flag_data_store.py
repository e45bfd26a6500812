"""Reads and replaces the flags of environments, each time all of them.

They may have several megabytes, so they are kept compressed and in pieces: a new state is written
beside the one that is read, and then takes its place in one step.
"""

import zlib
from collections.abc import Sequence
from typing import Final

from worker.batches import batches
from worker.store.errors import EnvironmentNotFound, ResourceChanged, UnreadableRecord
from worker.store.flag_data.records import (
    FlagDataRecord,
    StoredFlag,
    decode_flags,
    digest_of,
    encode_flags,
)
from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec
from worker.store.server import Database, driver_errors

_RECORD: Final = RecordCodec(FlagDataRecord)
_PIECE_BYTES: Final = 256 * 1024
_PIECES_PER_CALL: Final = 4
#: How long pieces last that do not become the flags of the environment, because a process died.
_UNPUBLISHED_S: Final = 3_600
#: Tries to read a state that others replace at the same time.
_TRIES: Final = 5
#: The fastest: the text is read by every process after each change.
_LEVEL: Final = 1


class FlagDataStore:
    """The flags of all environments. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, env: EnvironmentRef) -> FlagDataRecord:
        """What the environment has now, without the flags. Cost: one round trip.

        Raises:
            UnreadableRecord: It is damaged, or of another release.
        """
        with driver_errors(f"look up the flags of {env.environment}"):
            text = self._db.client.hget(self._db.keys.flag_data(env), "record")
        return FlagDataRecord() if text is None else _RECORD.decode(text, _name(env))

    def read(self, env: EnvironmentRef) -> tuple[FlagDataRecord, tuple[StoredFlag, ...]]:
        """All flags as of one moment, by key.

        Cost: two round trips, and one more for each MiB compressed.

        Raises:
            UnreadableRecord: They are lost, damaged, or of another release.
            ResourceChanged: Others replaced them during every attempt. Safe to retry.
        """
        record = self.get(env)
        for _ in range(_TRIES):
            if not record.revision:
                return record, ()
            packed = self._read_pieces(env, record.revision)
            if packed:
                return record, decode_flags(_unpack(packed, record, env), _name(env))
            before, record = record, self.get(env)
            if record == before:
                raise UnreadableRecord.of(_name(env))
        message = f"{_name(env)} change too fast; try again later"
        raise ResourceChanged(message)

    def put(
        self, env: EnvironmentRef, seen: FlagDataRecord, flags: Sequence[StoredFlag]
    ) -> FlagDataRecord:
        """Replace all flags; nothing is written if they are what is there.

        Cost: two round trips, and one for each MiB compressed.

        Args:
            env: Whose flags.
            seen: What was there when it was decided.
            flags: Of distinct keys.

        Raises:
            ResourceChanged: They were replaced since they were seen; nothing was written.
            EnvironmentNotFound: The environment is deleted.
            OutOfMemory: The server is full; nothing was changed.
            StoreUnavailable: No answer. A retry may find its own change.
        """
        text = encode_flags(flags)
        digest = digest_of(text)
        if seen.revision and digest == seen.digest:
            return seen
        revision = self._db.random_name()
        record = FlagDataRecord(revision, digest, len(flags), len(text), self._db.now_ms())
        self._write_pieces(env, revision, zlib.compress(text, _LEVEL))
        keys = [
            self._db.keys.environment_state(env),
            self._db.keys.flag_data(env),
            self._db.keys.flag_data_pieces(env, revision),
        ]
        what = f"replace the flags of {env.environment}"
        reply = self._db.run(
            what, "flag_data/publish", keys, [seen.revision, _RECORD.encode(record)]
        )
        if reply == b"closed":
            message = f"environment {env.environment} is being deleted"
            raise EnvironmentNotFound(message)
        if reply != b"ok":
            message = f"{_name(env)} were changed at the same time; read them again"
            raise ResourceChanged(message)
        return record

    def _write_pieces(self, env: EnvironmentRef, revision: str, packed: bytes) -> None:
        key = self._db.keys.flag_data_pieces(env, revision)
        starts = range(0, len(packed), _PIECE_BYTES)
        for group in batches(starts, _PIECES_PER_CALL):
            pieces = {
                str(start // _PIECE_BYTES): packed[start : start + _PIECE_BYTES] for start in group
            }
            with driver_errors(f"write the flags of {env.environment}"):
                pipeline = self._db.client.pipeline(transaction=True)
                pipeline.hset(key, mapping=pieces)
                pipeline.expire(key, _UNPUBLISHED_S)
                pipeline.execute()

    def _read_pieces(self, env: EnvironmentRef, revision: str) -> bytes:
        """All pieces, one after the other; empty if they are not there any more."""
        key, found = self._db.keys.flag_data_pieces(env, revision), list[bytes]()
        with driver_errors(f"read the flags of {env.environment}"):
            while True:
                numbers = [str(len(found) + index) for index in range(_PIECES_PER_CALL)]
                pieces = [piece for piece in self._db.client.hmget(key, numbers) if piece]
                found += pieces
                if len(pieces) < _PIECES_PER_CALL:
                    return b"".join(found)


def _unpack(packed: bytes, record: FlagDataRecord, env: EnvironmentRef) -> bytes:
    try:
        text = zlib.decompress(packed)
    except zlib.error as exc:
        raise UnreadableRecord.of(_name(env)) from exc
    if digest_of(text) != record.digest:
        raise UnreadableRecord.of(_name(env))
    return text


def _name(env: EnvironmentRef) -> str:
    return f"the flags of environment {env.environment}"
