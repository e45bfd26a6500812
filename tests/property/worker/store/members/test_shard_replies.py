"""Replies sliced into columns are what the driver's own parser reads, wherever they are cut."""

from collections.abc import Sequence

import hiredis
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.byte_columns import as_list
from worker.store.errors import StoreUnavailable
from worker.store.members import SENTINEL, SPARE_BYTES, ShardReplies, slice_replies

Shards = list[list[bytes]]

_TRICKS = (
    b"",
    b"\r\n",
    b"\r\n$1\r\n",
    b"\r\n*2\r\n$1\r\n\x00\r\n",
    b"$1\r\n\x00",
    b"*1",
    b"\n$",
    b"\x00\x00",
)
_MEMBERS = (
    st.binary(max_size=40)
    | st.binary(min_size=16, max_size=16).map(lambda raw: b"\xf8" + raw)
    | st.integers(-(2**63), 2**63).map(lambda number: str(number).encode())
    | st.lists(st.sampled_from(_TRICKS), max_size=4).map(b"".join)
    | st.integers(60, 4_095).map(lambda length: b"m" * length)
).filter(lambda member: member != SENTINEL)
_ALIKE = (
    st.integers(1, 40)
    .flatmap(lambda width: st.lists(st.binary(min_size=width, max_size=width), max_size=12))
    .map(lambda members: [member for member in members if member != SENTINEL])
)
_SHARDS = st.lists(
    (st.lists(_MEMBERS, max_size=12) | _ALIKE).flatmap(
        lambda members: st.permutations([SENTINEL, *members])
    ),
    max_size=8,
)


def replied(shards: Sequence[Sequence[bytes]]) -> bytes:
    """The replies as a server writes them."""
    parts: list[bytes] = []
    for shard in shards:
        parts.append(b"*%d\r\n" % len(shard))
        parts += (b"$%d\r\n%b\r\n" % (len(member), member) for member in shard)
    return b"".join(parts)


def sliced(data: bytes, behind: bytes = bytes(SPARE_BYTES)) -> ShardReplies:
    buffer = np.frombuffer(data + behind, np.uint8).copy()
    replies = slice_replies(buffer, len(data))
    buffer[:] = 0xEE  # what it gives is its own
    return replies


def parsed(data: bytes) -> tuple[Shards, int]:
    """The replies that the driver's parser reads, up to one that is no set, and their bytes."""
    reader, found, used = hiredis.Reader(notEnoughData=Ellipsis), Shards(), 0
    reader.feed(data)
    while isinstance(reply := reader.gets(), list) and all(isinstance(m, bytes) for m in reply):
        found.append(reply)
        used += len(replied([reply]))
    return found, used


def members_of(shards: Shards) -> list[bytes]:
    return [member for shard in shards for member in shard if member != SENTINEL]


@given(_SHARDS)
@example([[SENTINEL]])
@example([[SENTINEL, b"a" * 1_000_000], [b"\r\n$1\r\n\x00\r\n" * 3, SENTINEL]])
def test_slice_replies__any_shards__are_their_members_in_order(shards: Shards) -> None:
    data = replied(shards)

    replies = sliced(data)

    assert as_list(replies.members) == members_of(shards)
    assert (replies.shards, replies.missing, replies.size) == (len(shards), 0, len(data))


@given(_SHARDS, st.binary(min_size=SPARE_BYTES, max_size=40), st.data())
def test_slice_replies__cut_anywhere__are_the_whole_ones_before(
    shards: Shards, behind: bytes, data: st.DataObject
) -> None:
    whole = replied(shards)
    cut = data.draw(st.integers(0, len(whole)))
    stale = data.draw(st.booleans())

    # What is behind the cut may be anything, also what will really come.
    replies = sliced(whole[:cut], (whole[cut:] if stale else b"") + behind)

    found, used = parsed(whole[:cut])
    assert as_list(replies.members) == members_of(found)
    assert (replies.shards, replies.size) == (len(found), used)


def test_slice_replies__each_cut_of_some_shards__ends_before_it() -> None:
    shards = [[SENTINEL, b"\xf8" + bytes(range(16))], [b"12", SENTINEL, b"x" * 100], [SENTINEL]]
    whole = replied(shards)
    for cut in range(len(whole)):
        for behind in (bytes(8), b"\r\n" * 4, b"0" * 8, whole[cut:] + bytes(8), whole[:8]):
            found, used = parsed(whole[:cut])
            replies = sliced(whole[:cut], behind)
            assert (as_list(replies.members), replies.size) == (members_of(found), used)


@given(_SHARDS.filter(bool), st.data())
def test_slice_replies__byte_changed__is_refused_or_read_as_the_driver_does(
    shards: Shards, data: st.DataObject
) -> None:
    whole = bytearray(replied(shards))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))

    check_changed(bytes(whole))


def test_slice_replies__each_byte_changed__is_refused_or_read_as_the_driver_does() -> None:
    whole = replied([[SENTINEL, b"ab"], [b"a" * 17, SENTINEL, b"b" * 17], [SENTINEL, *[b"n"] * 11]])
    refused = 0
    for at in range(len(whole)):
        for byte in (*b"\r\n$*-0129:+", 0, 255):
            refused += not check_changed(whole[:at] + bytes([byte]) + whole[at + 1 :])
    assert refused > 300


def check_changed(data: bytes) -> bool:
    """Whether it was not refused."""
    try:
        replies = sliced(data)
    except StoreUnavailable:
        return False
    found, used = parsed(data)
    assert as_list(replies.members) == members_of(found)
    assert (replies.shards, replies.size) == (len(found), used)
    assert replies.missing == sum(SENTINEL not in shard for shard in found)
    return True


@pytest.mark.parametrize(
    ("shards", "missing"),
    [([[]], 1), ([[b"a"], [SENTINEL, b"b"]], 1), ([[SENTINEL], [], [b"\x00\x00"]], 2)],
)
def test_slice_replies__no_sentinel__counts_as_missing(shards: Shards, missing: int) -> None:
    assert sliced(replied(shards)).missing == missing


@pytest.mark.parametrize("error", [b"-MOVED 1 host:1\r\n", b"-", b"-ERR"])
def test_slice_replies__error__is_left_where_it_is(error: bytes) -> None:
    before = replied([[SENTINEL, b"a"]])
    for data in (error, before + error, before + error + before):
        replies = sliced(data)
        assert data[replies.size :].startswith(error)
        assert replies.shards == (replies.size > 0)


@pytest.mark.parametrize(
    "data",
    [
        b"+OK\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n-ERR\r\n",
        b"*1\r\n$-1\r\n",
        b"*-1\r\n",
        b"*1\r\n*1\r\n$1\r\n\x00\r\n",
        b"*1\r\n$1\r\n\x00\r\n$1\r\n\x00\r\n",
        b"*1\r\n$1\r\n\x00\r\n+OK\r\n",
        b"*1\r\n$1\r\n\x00..",
        b"*1\r\n$\r\n\r\n                 ",
        b"*99999999999999999999\r\n",
    ],
)
def test_slice_replies__no_reply_to_smembers__is_refused(data: bytes) -> None:
    with pytest.raises(StoreUnavailable, match="is broken"):
        sliced(data)


@pytest.mark.parametrize("count", [999_998, 999_999, 1_000_000])
def test_slice_replies__a_shard_of_a_million__is_read(count: int) -> None:
    data = b"*%d\r\n$1\r\n\x00\r\n" % (count + 1) + b"$2\r\nab\r\n" * count

    replies = sliced(data)

    assert (len(replies.members), replies.shards, replies.size) == (count, 1, len(data))
