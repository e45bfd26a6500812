"""One tick's questions about one list: the commands, and what their replies mean.

Pure: bytes out, replies in. Per question ``SMISMEMBER shard sentinel member``, last
``HGET record live``. Where both lists have members the whole is one transaction, so that
an edit between two reads cannot make an answer that was never true.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from hiredis import ReplyError

from api.lookups.pipeline import encode_command
from worker.store import Keyspace, ListRef, ListUnknown, Membership, StoreError, StoreUnavailable
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists.revisions import Revision
from worker.store.members import SENTINEL, hash_member, shard_index

#: A node of a cluster; ``None`` is the single server.
Address = tuple[str, int] | None

_ANSWERS: Final = {
    (included, excluded): Membership(included=included, excluded=excluded)
    for included in (False, True)
    for excluded in (False, True)
}


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What was last seen of one list, and where it lives."""

    ref: ListRef
    revision: Revision
    record: str
    """Key of the list record."""
    address: Address

    @property
    def asks_both(self) -> bool:
        """Whether the excluded list has had members, so that it must be asked too."""
        return self.revision.excluded_bits != 0

    def after(self, revision: Revision) -> "Belief":
        """The belief once another revision was seen live."""
        return replace(self, revision=revision)


@dataclass(frozen=True, slots=True)
class Stale:
    """The belief was wrong; the revision that is live, or ``None`` to ask the definition."""

    live: Revision | None


Outcome = Membership | Stale | StoreError


def commands_of(keys: Keyspace, belief: Belief, members: Sequence[bytes]) -> list[bytes]:
    """The commands that ask for some members of one list, each packed."""
    ref, revision = belief.ref, belief.revision
    commands: list[bytes] = []
    for member in members:
        hash_ = hash_member(member)
        shard = keys.shard(ref, revision.name, INCLUDED, shard_index(hash_, revision.included_bits))
        commands.append(encode_command(b"SMISMEMBER", shard, SENTINEL, member))
        if revision.excluded_bits:
            shard = keys.shard(
                ref, revision.name, EXCLUDED, shard_index(hash_, revision.excluded_bits)
            )
            commands.append(encode_command(b"SMISMEMBER", shard, SENTINEL, member))
    # Last, so that what it says was true when the shards were read.
    commands.append(encode_command(b"HGET", belief.record, b"live"))
    return (
        [encode_command(b"MULTI"), *commands, encode_command(b"EXEC")]
        if belief.asks_both
        else commands
    )


def outcomes_of(belief: Belief, replies: Sequence[Any]) -> list[Outcome]:
    """What the replies say, one outcome a member, in order.

    Args:
        belief: what was asked on.
        replies: one for each of ``commands_of``; errors in their place.
    """
    width = 1 + belief.asks_both
    if belief.asks_both:
        count = (len(replies) - 3) // width
        refused = next((reply for reply in replies if isinstance(reply, ReplyError)), None)
        if refused is not None:
            return [_refused(belief, refused)] * count
        replies = replies[-1]
    else:
        count = len(replies) - 1
    wrong = _fault(belief, replies[-1])
    if wrong is not None:
        return [wrong] * count
    return [_answer(belief, replies[n : n + width]) for n in range(0, count * width, width)]


def _fault(belief: Belief, live: Any) -> Outcome | None:  # noqa: ANN401 - a reply
    """What is wrong with the belief; ``None`` when it is true."""
    if live is None:
        return Stale(None)
    if isinstance(live, ReplyError):
        return _refused(belief, live)
    seen = _parsed(live)
    return None if seen == belief.revision else Stale(seen)


@lru_cache(maxsize=16_384)
def _parsed(live: bytes) -> Revision:
    # Pure; remembered because the same few are seen again and again.
    return Revision.parse(live)


def _answer(belief: Belief, found: Sequence[Any]) -> Outcome:
    for reply in found:
        if isinstance(reply, ReplyError):
            return _refused(belief, reply)
        if not reply[0]:
            name = belief.ref.name
            message = f"list {name} is not whole on the server; import it again or restore it"
            return ListUnknown(message)
    return _ANSWERS[found[0][1] == 1, len(found) > 1 and found[1][1] == 1]


def _refused(belief: Belief, reply: ReplyError) -> Outcome:
    code = str(reply).split(" ", 1)[0]
    if code == "MOVED":  # the store's own client finds out where to
        return Stale(None)
    return StoreUnavailable(f"the store did not answer for list {belief.ref.name}: {code}; retry")
