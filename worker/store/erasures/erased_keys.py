"""Salted hashes of erased keys, by which an import leaves them out of an old file.

A hash is HMAC-SHA-256 of kind and key under the environment's salt, cut to 96 bits. Computing it
takes a microsecond a key, so it begins with a tag that is computed for a whole column at once: the
hash that a member has anyway, mixed with the salt, cut to 32 bits. Only rows whose tag is one of
the erased keys' are looked at further.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from worker.batches import batches
from worker.byte_columns import Column, take
from worker.store.errors import TooManyErasures
from worker.store.keyspace import EnvironmentRef
from worker.store.members import Hashes, hash_member, pack_key, unpack_member
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Erased keys of an environment: 10 MB of the store's memory, and of what each chunk reads.
MOST_ERASED: Final = 100_000
_SALT: Final = "salt"
_DIGEST_BYTES: Final = 12
TAG_DIGITS: Final = 8
_PAGE: Final = 1_000
_TABLE_BITS: Final = 22
_TABLE_SHIFT: Final = np.uint32(32 - _TABLE_BITS)
#: Steps of MurmurHash3's finaliser, which every bit of a number and of the salt passes through.
_MIX_1, _MIX_2 = np.uint64(0xFF51_AFD7_ED55_8CCD), np.uint64(0xC4CE_B9FE_1A85_EC53)
_33, _32 = np.uint64(33), np.uint64(32)

Tags = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class ErasedKeys:
    """The erased keys of one kind in an environment."""

    salt: bytes
    kind: str
    hashes: frozenset[str]
    tags: Tags
    """Of the hashes, sorted."""

    def find(self, members: Column, hashes: Hashes) -> NDArray[np.bool_] | None:
        """Find the erased ones among packed members.

        Cost: linear in the members, and an HMAC for each of which the tag fits.

        Args:
            members: Packed members.
            hashes: Of each, as :func:`hash_members` gives them.

        Returns:
            Whether each is erased; ``None`` if none is.
        """
        tags = _tags_of(self.salt, hashes)
        # Looked up by their first bits, because comparing all of them would sort them.
        table = np.zeros(1 << _TABLE_BITS, np.bool_)
        table[self.tags >> _TABLE_SHIFT] = True
        suspects = np.flatnonzero(table[tags >> _TABLE_SHIFT])
        suspects = suspects[np.isin(tags[suspects], self.tags)]
        if not len(suspects):
            return None
        found = np.zeros(len(hashes), np.bool_)
        listed: list[Any] = take(members, suspects).to_pylist()
        for row, tag, member in zip(suspects, tags[suspects].tolist(), listed, strict=True):
            digest = _digest_of(self.salt, self.kind, unpack_member(member))
            found[row] = _join(tag, digest) in self.hashes
        return found if found.any() else None

    def without(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Those of some keys that are not erased, in the same order."""
        return tuple(key for key in keys if hash_key(self.salt, self.kind, key) not in self.hashes)


def hash_key(salt: bytes, kind: str, key: str) -> str:
    """Hash a key of one kind: eight hexadecimal digits of its tag, and 24 of the digest."""
    tag = _tags_of(salt, np.array([hash_member(pack_key(key))], np.uint64))[0]
    return _join(int(tag), _digest_of(salt, kind, key))


def _digest_of(salt: bytes, kind: str, key: str) -> bytes:
    return hmac.digest(salt, f"{kind}\0{key}".encode(), "sha256")[:_DIGEST_BYTES]


def _join(tag: int, digest: bytes) -> str:
    return f"{tag:0{TAG_DIGITS}x}{digest.hex()}"


def _tags_of(salt: bytes, hashes: Hashes) -> Tags:
    mixed = hashes ^ np.uint64(int.from_bytes(salt[:8], "little"))
    mixed *= _MIX_1
    mixed ^= mixed >> _33
    mixed *= _MIX_2
    tags: Tags = (mixed >> _32).astype(np.uint32)
    return tags


class ErasedKeyStore:
    """The erased keys of each environment, of which only hashes are kept.

    Every method may raise ``StoreUnavailable`` and is safe to retry.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def digest(self, env: EnvironmentRef, kind: str, key: str) -> str:
        """The salted hash of a key; makes the environment's salt. Cost: one or two round trips."""
        salt = self._salt(env)
        if salt is None:
            names = self._db.random_name() + self._db.random_name()
            salt = hashlib.sha256(names.encode()).digest()
            what, arguments = f"erase keys of {env.environment}", (_SALT, b"", salt, 0)
            self._db.run(what, "project/put_record", [self._key(env)], arguments)
            salt = self._salt(env) or salt  # of whoever was first
        return hash_key(salt, kind, key)

    def require_room(self, env: EnvironmentRef, kind: str, digest: str) -> None:
        """Make sure that a key may be added. Cost: two round trips.

        Raises:
            TooManyErasures: the environment has the most already, and not this one.
        """
        is_full = self.count(env) >= MOST_ERASED
        with driver_errors(f"count erased keys of {env.environment}"):
            if is_full and not self._db.client.hexists(self._key(env), f"{kind}:{digest}"):
                message = (
                    f"{env.environment} has {MOST_ERASED:,} erased keys, and takes no more: have "
                    "old ones forgotten by BIGSEG_ERASED_KEYS_S"
                )
                raise TooManyErasures(message)

    def count(self, env: EnvironmentRef) -> int:
        """How many an environment has, of all kinds. Cost: one round trip."""
        with driver_errors(f"count erased keys of {env.environment}"):
            return max(0, self._db.client.hlen(self._key(env)) - 1)  # one field is the salt

    def add(self, env: EnvironmentRef, kind: str, digest: str, now_ms: int) -> None:
        """Keep imports from bringing a key back. Idempotent. Cost: one round trip."""
        with driver_errors(f"write erased keys of {env.environment}"):
            self._db.client.hset(self._key(env), f"{kind}:{digest}", now_ms)

    def lift(self, env: EnvironmentRef, kind: str, keys: Sequence[str]) -> None:
        """Let imports bring keys back, because somebody has added them by hand.

        Cost: one round trip if nothing was ever erased, else one more for 1,000 keys.
        """
        salt = self._salt(env) if keys else None
        if salt is None:
            return
        for group in batches(keys, _PAGE):
            names = [f"{kind}:{hash_key(salt, kind, key)}" for key in group]
            with driver_errors(f"write erased keys of {env.environment}"):
                self._db.client.hdel(self._key(env), *names)

    def has_any(self, env: EnvironmentRef) -> bool:
        """Whether a key was ever erased from an environment. Cost: one round trip."""
        return self._salt(env) is not None

    def read(self, env: EnvironmentRef, kind: str) -> ErasedKeys | None:
        """The erased keys of one kind; ``None`` if there are none.

        Cost: one round trip if nothing was ever erased, else one more for 1,000 keys.
        """
        salt = self._salt(env)
        if salt is None:
            return None
        hashes, cursor = set[str](), 0
        with driver_errors(f"read erased keys of {env.environment}"):
            while True:
                cursor, page = self._db.client.hscan(self._key(env), cursor, count=_PAGE)
                names = (name.decode().partition(":") for name in page)
                hashes |= {digest for of_kind, _, digest in names if of_kind == kind and digest}
                if not cursor:
                    break
        if not hashes:
            return None
        tags = np.sort(np.array([int(each[:TAG_DIGITS], 16) for each in hashes], np.uint32))
        return ErasedKeys(salt, kind, frozenset(hashes), tags)

    def forget_older(self, env: EnvironmentRef, before_ms: int) -> int:
        """Let imports bring back what was erased before some time. Safe to repeat.

        A key that is erased again meanwhile may be forgotten as well, until the erasure's next
        turn adds it.

        Cost: one round trip for 1,000 keys, and another if some of them are older.

        Returns:
            Keys that were forgotten.
        """
        cursor, forgotten = 0, 0
        with driver_errors(f"forget erased keys of {env.environment}"):
            while True:
                cursor, page = self._db.client.hscan(self._key(env), cursor, count=_PAGE)
                fields = [(name, at) for name, at in page.items() if name != _SALT.encode()]
                old = [name.decode() for name, at in fields if int(at) < before_ms]
                if old:
                    forgotten += self._db.client.hdel(self._key(env), *old)
                if not cursor:
                    return forgotten

    def forget(self, env: EnvironmentRef) -> None:
        """Drop all of a deleted environment. Idempotent. Cost: one round trip."""
        with driver_errors(f"forget erased keys of {env.environment}"):
            self._db.client.unlink(self._key(env))

    def _salt(self, env: EnvironmentRef) -> bytes | None:
        with driver_errors(f"read erased keys of {env.environment}"):
            return self._db.client.hget(self._key(env), _SALT)

    def _key(self, env: EnvironmentRef) -> str:
        return self._db.keys.erased(env)
