"""The look-up protocol: the commands that ask about a list, and when an answer is valid.

Each look-up asks the shards of the revision *believed* live, ``SMISMEMBER shard sentinel
member``; the last command asks the list record which revision *is* live. An answer is valid
only if the two agree and each shard's sentinel was there. So a belief may be of any age: it is
checked with every answer, and needs no time to live, no clock and no invalidation.

Pure: commands out, replies in. Used by the store's own look-ups and by the API's pipeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from worker.store.errors import StoreError, StoreUnavailable
from worker.store.keyspace import EXCLUDED, INCLUDED, Keyspace, ListRef
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import incomplete
from worker.store.members import SENTINEL, hash_member, shard_index
from worker.store.server import Node

Command = tuple[str | bytes, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether one context key is in each list; the two are independent."""

    included: bool
    excluded: bool


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What was last seen of one list, and where it is stored."""

    ref: ListRef
    revision: Revision
    record: str
    """Key of the list record."""
    node: Node

    @property
    def asks_both(self) -> bool:
        """Whether the excluded list has had members, so that it must be asked too.

        The commands must then be one transaction, so that an edit between two reads cannot
        make an answer that was never true.
        """
        return self.revision.excluded_bits != 0

    def after(self, revision: Revision) -> "Belief":
        """The belief once another revision was seen live."""
        return replace(self, revision=revision)


@dataclass(frozen=True, slots=True)
class Stale:
    """The belief was wrong."""

    live: Revision | None
    """The revision that is live; ``None`` when it must be read again."""


Fault = Stale | StoreError
Outcome = Membership | Fault

_ANSWERS: Final = {
    (included, excluded): Membership(included=included, excluded=excluded)
    for included in (False, True)
    for excluded in (False, True)
}


def lookup_commands(keys: Keyspace, belief: Belief, members: Sequence[bytes]) -> list[Command]:
    """The commands that ask for some members of one list.

    They are one transaction where ``belief.asks_both`` says so.
    """
    ref, revision = belief.ref, belief.revision
    name, included_bits = revision.name, revision.included_bits
    excluded_bits = revision.excluded_bits
    # Once for all members: with the hash tag it costs more than the rest of a command.
    included = keys.shard_prefix(ref, name, INCLUDED)
    excluded = keys.shard_prefix(ref, name, EXCLUDED) if excluded_bits else ""
    commands: list[Command] = []
    for member in members:
        hash_ = hash_member(member)
        shard = f"{included}{shard_index(hash_, included_bits):04x}"
        commands.append(("SMISMEMBER", shard, SENTINEL, member))
        if excluded_bits:
            shard = f"{excluded}{shard_index(hash_, excluded_bits):04x}"
            commands.append(("SMISMEMBER", shard, SENTINEL, member))
    # Last, so that its answer was true when the shards were read.
    commands.append(("HGET", belief.record, "live"))
    return commands


def read_outcomes(belief: Belief, replies: Sequence[Any]) -> list[Outcome]:
    """Interpret the replies: one outcome for each member, in order.

    Args:
        belief: what the commands were made from.
        replies: one for each of :func:`lookup_commands`; errors in their place.
    """
    width = 1 + belief.asks_both
    count = (len(replies) - 1) // width
    fault = find_fault(belief, replies[-1])
    if fault is not None:
        return [fault] * count
    return [_read_answer(belief, replies[at : at + width]) for at in range(0, count * width, width)]


def refused_outcome(belief: Belief, error: Exception) -> Fault:
    """What an error reply to any of the commands means."""
    code = str(error).split(" ", 1)[0]
    if code == "MOVED":  # the store's own client finds out where to
        return Stale(None)
    return StoreUnavailable(f"the store did not answer for list {belief.ref.name}: {code}; retry")


def unsettled_list(ref: ListRef) -> StoreUnavailable:
    """The error for a list whose live revision changed during every try."""
    return StoreUnavailable(f"list {ref.name} changed under every try; retry")


def find_fault(belief: Belief, live: Any) -> Fault | None:  # noqa: ANN401 - a reply
    """What the list record's answer says is wrong with the belief; ``None`` if it is right."""
    if live is None:
        return Stale(None)
    if isinstance(live, Exception):
        return refused_outcome(belief, live)
    seen = _parse_revision(live)
    return None if seen == belief.revision else Stale(seen)


@lru_cache(maxsize=16_384)
def _parse_revision(live: bytes) -> Revision:
    # Cached because the same few are parsed again and again.
    return Revision.parse(live)


def _read_answer(belief: Belief, found: Sequence[Any]) -> Outcome:
    for reply in found:
        if isinstance(reply, Exception):
            return refused_outcome(belief, reply)
        if not reply[0]:
            return incomplete(belief.ref)
    return _ANSWERS[found[0][1] == 1, len(found) > 1 and found[1][1] == 1]
