"""How much memory shards take, as far as it can be calculated."""

from typing import Final

#: A key, its set object and its entry in the server's table.
_BYTES_PER_SHARD: Final = 160
#: Header and back-length of one member in its shard.
_BYTES_PER_MEMBER: Final = 3


def shards_bytes(shards: int, members: int, packed_bytes: int) -> int:
    """The memory of shards that are kept as listpacks; more on servers older than Redis 7.2.

    Args:
        shards: How many there are.
        members: In all of them.
        packed_bytes: Of all members.
    """
    return packed_bytes + members * _BYTES_PER_MEMBER + shards * _BYTES_PER_SHARD
