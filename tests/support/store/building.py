"""Builds revisions the way an import does, but from a plain set of keys."""

from collections.abc import Iterable
from typing import Any, Literal

import fakeredis
import numpy as np
import pyarrow as pa

from tests.support.store.stores import raw
from worker.store import ListRef, Store
from worker.store.keyspace import EXCLUDED, INCLUDED, BuilderKind, Side
from worker.store.lists import FIRST_BITS, Published, Revision, ShardWriter
from worker.store.members import (
    SENTINEL,
    build_payloads,
    hash_member,
    pack_key,
    shard_index,
    unpack_member,
)

#: Whole payloads behind the fence, or members through a script.
Form = Literal["payloads", "members"]
_MOST_CALLS = 100  # half a million edits while one test builds


def shards_of(keys: Iterable[str], bits: int) -> list[list[bytes]]:
    """Share the members of some keys out among 2^bits shards."""
    shards: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for member in sorted({pack_key(key) for key in keys}, key=lambda one: (hash_member(one), one)):
        shards[shard_index(hash_member(member), bits)].append(member)
    return shards


def natural_form(store: Store) -> Form:
    """Give the form in which this server takes whole shards: the stand-in reads no payload."""
    return "members" if isinstance(raw(store), fakeredis.FakeRedis) else "payloads"


def shares_copies(store: Store) -> bool:
    """Tell whether COPY gives a second name to one set, as the stand-in wrongly does."""
    return isinstance(raw(store), fakeredis.FakeRedis)


def payloads_of(keys: Iterable[str], bits: int) -> list[bytes]:
    """Give the payload of each of 2^bits shards."""
    members = [member for shard in shards_of(keys, bits) for member in shard]
    return build_payloads(
        pa.array(members, pa.binary()),
        np.array([hash_member(member) for member in members], np.uint64),
        bits=bits,
        first_shard=0,
        shard_count=1 << bits,
    )


def write_side(
    store: Store,
    ref: ListRef,
    import_id: str,
    side: Side,
    keys: Iterable[str],
    bits: int,
    form: Form | None = None,
    target: str | None = None,
) -> None:
    """Write every shard of one side of the revision that the import builds, or of a target."""
    target = target or store.builds.target(ref, import_id).name
    with ShardWriter(store.database, ref, import_id, target) as writer:
        write_shards(writer, form or natural_form(store), side, keys, bits)


def write_shards(
    writer: ShardWriter, form: Form, side: Side, keys: Iterable[str], bits: int
) -> None:
    """Write every shard of one side with an open writer, and wait for the answers."""
    if form == "members":
        writer.fill(side, enumerate(shards_of(keys, bits)))
    else:
        writer.put(side, 0, payloads_of(keys, bits))
    writer.flush()


def copy_side(
    store: Store,
    ref: ListRef,
    import_id: str,
    side: Side,
    bits: int,
    keys: Iterable[str] = (),
    *,
    removes: bool = False,
) -> tuple[int, int]:
    """Copy every shard of one side of the base, and add or remove keys; both have 2^bits shards."""
    copied = changed = 0
    command = "SREM" if removes else "SADD"
    for n, members in enumerate(shards_of(keys, bits)):
        some = (n, len(members), *members) if members else ()
        reply = run(store, "list/copy_shards", ref, import_id, side, n, n, command, *some)
        copied, changed = copied + reply[0], changed + reply[1]
    return copied, changed


def build(
    store: Store,
    ref: ListRef,
    import_id: str,
    included: Iterable[str],
    *,
    bits: int = FIRST_BITS,
    form: Form | None = None,
    kind: BuilderKind = "import",
) -> Revision:
    """Claim, prepare and write a revision that replaces the included list."""
    claim = store.builds.claim(ref, import_id, kind=kind)
    target = store.builds.prepare(ref, import_id, bits, claim.base.excluded_bits)
    write_side(store, ref, import_id, INCLUDED, included, target.included_bits, form)
    if not shares_copies(store) and claim.base.excluded_bits == target.excluded_bits:
        copy_side(store, ref, import_id, EXCLUDED, target.excluded_bits)
    else:
        kept = members_of(store, ref, claim.base, EXCLUDED)
        write_side(store, ref, import_id, EXCLUDED, kept, target.excluded_bits, form)
    return target


def seal_and_count(
    store: Store, ref: ListRef, import_id: str, target: Revision
) -> tuple[int, tuple[int, int]]:
    """Seal a build and count it; gives the seal's number and the counts."""
    sealed = store.builds.seal(ref, import_id)
    counts = sealed.counts or count(store, ref, target)
    return sealed.number, counts


def count(store: Store, ref: ListRef, revision: Revision) -> tuple[int, int]:
    """Count both sides of a revision through the store."""
    included, excluded = (
        store.builds.count(ref, revision, side, 0, revision.shard_count(side))
        for side in (INCLUDED, EXCLUDED)
    )
    return included, excluded


def publish(
    store: Store, ref: ListRef, import_id: str, target: Revision, *, retire_after_ms: int = 60_000
) -> Published:
    """Seal, count and publish to the end."""
    seal, counts = seal_and_count(store, ref, import_id, target)
    for _ in range(_MOST_CALLS):
        published = store.builds.publish(
            ref, import_id, counts=counts, retire_after_ms=retire_after_ms, seal=seal
        )
        if published is not None:
            return published
    message = f"publish of {import_id} comes to no end"
    raise AssertionError(message)


def replace(
    store: Store,
    ref: ListRef,
    import_id: str,
    included: Iterable[str],
    *,
    bits: int = FIRST_BITS,
    retire_after_ms: int = 60_000,
    kind: BuilderKind = "import",
) -> Published:
    """Replace the included list from start to end."""
    target = build(store, ref, import_id, included, bits=bits, kind=kind)
    return publish(store, ref, import_id, target, retire_after_ms=retire_after_ms)


def run(store: Store, name: Any, ref: ListRef, *args: Any) -> Any:
    """Run a list's script as it stands, past the Python around it."""
    return store.database.scripts.run(name, [store.keyspace.list_record(ref)], args)


def keys_of_shard(index: int, count_: int, bits: int = FIRST_BITS) -> list[str]:
    """Give keys that all live in one shard of 2^bits."""
    found: list[str] = []
    number = 0
    while len(found) < count_:
        key = f"key-{number}"
        if shard_index(hash_member(pack_key(key)), bits) == index:
            found.append(key)
        number += 1
    return found


def members_of(store: Store, ref: ListRef, revision: Revision, side: Side) -> set[str]:
    """Read one side shard by shard, past the store; every member must be in its shard."""
    keys: set[str] = set()
    bits = revision.bits(side)
    pipeline = store.client.pipeline(transaction=False)
    for n in range(1 << bits):
        pipeline.smembers(store.keyspace.shard(ref, revision.name, side, n))
    for n, shard in enumerate(pipeline.execute()):
        assert SENTINEL in shard, f"{side} shard {n} of {revision.name} has no sentinel"
        for member in shard - {SENTINEL}:
            assert shard_index(hash_member(member), bits) == n
            keys.add(unpack_member(member))
    return keys


def assert_list(
    store: Store, ref: ListRef, included: Iterable[str], excluded: Iterable[str] = ()
) -> None:
    """Hold the live list, as the server has it and as it counts it, against two plain sets."""
    state, expected = store.memberships.state(ref), (set(included), set(excluded))
    assert members_of(store, ref, state.live, INCLUDED) == expected[0]
    assert members_of(store, ref, state.live, EXCLUDED) == expected[1]
    assert (state.included_count, state.excluded_count) == tuple(map(len, expected))
