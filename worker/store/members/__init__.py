"""Context keys as members of shards.

Two steps lead from a key to where it is stored: ``codec`` packs it into a member, and ``hashing``
determines its shard. ``entries`` lays members out as a shard holds them, ``shard_payload``
builds the bytes of a shard from these, and ``shard_replies`` takes members out of those that a
server answers with. One key or member at a time
for look-ups and edits, whole columns for imports and exports.
"""

from worker.store.members.codec import (
    SENTINEL,
    pack_key,
    pack_keys,
    unpack_member,
    unpack_members,
)
from worker.store.members.entries import entries_of, members_of
from worker.store.members.hashing import Hashes, hash_member, hash_members, shard_index
from worker.store.members.shard_payload import (
    build_payloads,
    payloads_of_entries,
    shard_slices,
)
from worker.store.members.shard_replies import SPARE_BYTES, ShardReplies, slice_replies

__all__ = [
    "SENTINEL",
    "SPARE_BYTES",
    "Hashes",
    "ShardReplies",
    "build_payloads",
    "entries_of",
    "hash_member",
    "hash_members",
    "members_of",
    "pack_key",
    "pack_keys",
    "payloads_of_entries",
    "shard_index",
    "shard_slices",
    "slice_replies",
    "unpack_member",
    "unpack_members",
]
