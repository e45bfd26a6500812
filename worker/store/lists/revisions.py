"""A revision: one published state of a generation's two lists, and its shard counts."""

from dataclasses import dataclass
from typing import Final

from worker.store.keyspace import INCLUDED, Side

#: Shards of a list that gets its first member: 2 to this power.
FIRST_BITS: Final = 4
#: Members a shard may hold on average before the list gets twice as many shards. Beyond
#: 128 a server gives up the packed form of a set; hashes spread evenly enough for 96.
MOST_MEAN_LOAD: Final = 96
#: 2^24 shards of 96 members are 1.6 billion members, more than a node holds.
MOST_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision's name and how many shards each side has, as powers of two."""

    name: str
    included_bits: int
    """0 means: no member, and one shard that holds only the sentinel."""
    excluded_bits: int

    @property
    def number(self) -> int:
        """The number in its name; each revision of a list has its own."""
        return int(self.name[1:].partition("-")[0])

    def bits(self, side: Side) -> int:
        """The power of two of one side."""
        return self.included_bits if side == INCLUDED else self.excluded_bits

    def shard_count(self, side: Side) -> int:
        """Shards of one side."""
        return 1 << self.bits(side)

    @classmethod
    def parse(cls, text: bytes | str) -> "Revision":
        """Read the form that the list record holds, ``name included excluded``.

        Raises:
            ValueError: the text is not of that form.
        """
        name, included, excluded = (text.decode() if isinstance(text, bytes) else text).split(" ")
        return cls(name, int(included), int(excluded))


@dataclass(frozen=True, slots=True)
class Retention:
    """How many replaced revisions of a list are kept, to be published again, and for how long."""

    most: int
    age_ms: int


#: For a list whose memory is needed.
NONE_KEPT: Final = Retention(0, 0)


def bits_for(member_count: int) -> int:
    """The power of two of shards that keeps the mean load at 48 to 96 members."""
    if member_count == 0:
        return 0
    needed = -(-member_count // MOST_MEAN_LOAD)
    return min(MOST_BITS, max(FIRST_BITS, (needed - 1).bit_length()))


def outgrows(revision: Revision, included_count: int, excluded_count: int) -> bool:
    """Whether a side holds more members than its shards should."""
    return (
        bits_for(included_count) > revision.included_bits
        or bits_for(excluded_count) > revision.excluded_bits
    )
