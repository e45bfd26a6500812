"""Flags of environments: a record of the state, and a compressed document in pieces beside it."""

import zlib
from typing import Final

from worker.batches import batches
from worker.store.errors import EnvironmentNotFound, ResourceChanged, UnreadableRecord
from worker.store.flag_data.records import FlagData
from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

_CODEC: Final = RecordCodec(FlagData)
_RECORD: Final = "record"
#: The server is held up for less than a millisecond by one of them.
_PIECE_BYTES: Final = 256 * 1024
#: Pieces read or written in one round trip.
_AT_ONCE: Final = 4
#: Pieces of a document that nobody has made the current one.
_UNUSED_S: Final = 600
_LEVEL: Final = 6


class FlagDataStore:
    """The flags of all environments. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(self, env: EnvironmentRef) -> FlagData | None:
        """What is known of the flags; ``None`` before there were any. Cost: one round trip.

        Raises:
            UnreadableRecord: it is damaged, or of another release.
        """
        with driver_errors(f"read the flag data of {env.environment}"):
            text = self._db.client.hget(self._db.keys.flag_data(env), _RECORD)
        return None if text is None else _CODEC.decode(text, _name(env))

    def read(self, env: EnvironmentRef, state: FlagData) -> bytes:
        """Read the document of a state. Cost: a round trip for each MiB of it, compressed.

        Raises:
            ResourceChanged: it was replaced. Safe to retry with the state that is there now.
            UnreadableRecord: it is damaged.
        """
        key = self._db.keys.flag_document(env, state.revision)
        pieces: list[bytes | None] = []
        for numbers in batches(range(state.pieces), _AT_ONCE):
            with driver_errors(f"read the flag data of {env.environment}"):
                pieces += self._db.client.hmget(key, [str(number) for number in numbers])
        there = [piece for piece in pieces if piece is not None]
        if len(there) < state.pieces:
            if self.find(env) != state:
                message = f"the flag data of {env.environment} was replaced while it was read"
                raise ResourceChanged(message)
            raise UnreadableRecord.of(_name(env))
        try:
            return zlib.decompress(b"".join(there))
        except zlib.error as exc:
            raise UnreadableRecord.of(_name(env)) from exc

    def replace(
        self, env: EnvironmentRef, seen: FlagData | None, document: bytes, *, flags: int
    ) -> FlagData:
        """Replace a state that is still the current one.

        Nobody sees the document before all of it is there. Cost: a round trip for each MiB of it,
        compressed, and one more.

        Args:
            env: The environment.
            seen: The state that is replaced.
            document: What is stored.
            flags: How many it has.

        Raises:
            ResourceChanged: It is not the current one; nothing was changed. A retry after a lost
                answer may find its own change.
            EnvironmentNotFound: The environment is deleted.
        """
        packed = zlib.compress(document, _LEVEL)
        pieces = [packed[at : at + _PIECE_BYTES] for at in range(0, len(packed), _PIECE_BYTES)]
        state = FlagData(
            revision=self._db.random_name(),
            number=1 if seen is None else seen.number + 1,
            flags=flags,
            size=len(document),
            pieces=len(pieces),
            updated_ms=self._db.now_ms(),
        )
        self._put_pieces(env, state.revision, pieces)
        keys = self._db.keys
        places = [
            keys.flag_data(env),
            keys.environment_state(env),
            keys.flag_document(env, state.revision),
            keys.flag_document(env, "" if seen is None else seen.revision),
        ]
        expected = b"" if seen is None else _CODEC.encode(seen)
        what = f"replace the flag data of {env.environment}"
        arguments = (expected, _CODEC.encode(state), state.pieces)
        reply: bytes = self._db.run(what, "flag_data/replace", places, arguments)
        if reply == b"closed":
            message = f"environment {env.environment} of project {env.project} does not exist"
            raise EnvironmentNotFound(message)
        if reply != b"ok":
            message = f"the flag data of {env.environment} was changed at the same time"
            raise ResourceChanged(message)
        return state

    def _put_pieces(self, env: EnvironmentRef, revision: str, pieces: list[bytes]) -> None:
        key = self._db.keys.flag_document(env, revision)
        for some in batches([*enumerate(pieces)], _AT_ONCE):
            with driver_errors(f"write the flag data of {env.environment}"):
                pipeline = self._db.client.pipeline(transaction=True)
                pipeline.hset(key, mapping={str(number): piece for number, piece in some})
                pipeline.expire(key, _UNUSED_S)
                pipeline.execute()

    def forget(self, env: EnvironmentRef) -> None:
        """Drop that of a deleted environment. Idempotent. Cost: two round trips."""
        state = self.find(env)
        if state is None:
            return
        keys = self._db.keys
        with driver_errors(f"forget the flag data of {env.environment}"):
            self._db.client.unlink(keys.flag_document(env, state.revision), keys.flag_data(env))


def _name(env: EnvironmentRef) -> str:
    return f"the flag data of {env.environment} in {env.project}"
