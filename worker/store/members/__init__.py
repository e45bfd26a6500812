"""Context keys as members of shards.

Two steps lead from a key to where it is stored: ``codec`` packs it into a member, and ``hashing``
determines its shard. ``entries`` lays members out as a shard holds them, ``shard_payload``
builds the bytes of a shard from these, and ``shard_replies`` takes members out of those that a
server answers with. ``sorted_members`` sorts columns of members and takes some out of them, and
``containment`` finds those of one that are in another. One key or member at a time for look-ups and
edits, whole columns for imports and exports.
"""

from worker.store.members.codec import (
    SENTINEL,
    pack_key,
    pack_keys,
    unpack_member,
    unpack_members,
)
from worker.store.members.containment import OrderedMembers, contained
from worker.store.members.entries import entries_of, members_of
from worker.store.members.hashing import Hashes, hash_member, hash_members, shard_index
from worker.store.members.shard_payload import (
    build_payloads,
    payloads_of_entries,
    shard_slices,
)
from worker.store.members.shard_replies import SPARE_BYTES, ShardReplies, slice_replies
from worker.store.members.sorted_members import (
    Members,
    distinct,
    drop_frequent,
    join_members,
    no_members,
    sort_by_hash,
    subtract,
)

__all__ = [
    "SENTINEL",
    "SPARE_BYTES",
    "Hashes",
    "Members",
    "OrderedMembers",
    "ShardReplies",
    "build_payloads",
    "contained",
    "distinct",
    "drop_frequent",
    "entries_of",
    "hash_member",
    "hash_members",
    "join_members",
    "members_of",
    "no_members",
    "pack_key",
    "pack_keys",
    "payloads_of_entries",
    "shard_index",
    "shard_slices",
    "slice_replies",
    "sort_by_hash",
    "subtract",
    "unpack_member",
    "unpack_members",
]
