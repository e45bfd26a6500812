"""The codec loses nothing, confuses no two keys, and packs a column as it packs a key."""

import random
import re
import uuid
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.store.errors import MemberCorrupt
from worker.store.members.codec import (
    SENTINEL,
    pack_bytes,
    pack_key,
    pack_keys,
    unpack_member,
    unpack_members,
)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def ulid(number: int) -> str:
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


_NUMBERS = st.integers(0, 2**128 - 1)
_UUIDS = _NUMBERS.map(lambda number: str(uuid.UUID(int=number)))
_HEX = st.binary(min_size=7, max_size=70).map(bytes.hex)
_ULIDS = _NUMBERS.map(ulid)
_DECIMALS = st.integers(0, 10**40).map(str)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
_SHAPES = (_UUIDS, _HEX, _ULIDS, _DECIMALS, _TEXT)


@st.composite
def near_misses(draw: st.DrawFn) -> str:
    """Give a packable key with one character changed, dropped or added."""
    key = draw(st.one_of(_UUIDS, _HEX, _ULIDS))
    at = draw(st.integers(0, len(key) - 1))
    other = draw(st.sampled_from("0189afgAFGIOZ`/:-x \x00é")) * draw(st.integers(0, 2))
    return key[:at] + other + key[at + 1 :]


_KEYS = st.one_of(*_SHAPES, near_misses(), st.text("0f\x00\x01", max_size=40))
_COLUMNS = st.one_of(*(st.lists(shape, max_size=12) for shape in (*_SHAPES, _KEYS)))
_TYPES = st.sampled_from([pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])


def column_of(keys: list[str], kind: pa.DataType, skipped: int = 0) -> "pa.Array[Any]":
    padded = ["padding"] * skipped + keys + ["more"]
    return pa.array([key.encode() for key in padded], kind).slice(skipped, len(keys))


@given(_KEYS)
@example("")
@example("\x00")
@example("\x00\x00")
@example("\U0010ffff")
@example("7" * 26)
@example("8" * 26)
@example("0" * 36)
@example("1234567890123456")
def test_pack_one__any_text__comes_back_and_is_never_the_sentinel(key: str) -> None:
    member = pack_key(key)
    assert unpack_member(member) == key
    assert member != SENTINEL


@given(st.lists(_KEYS, min_size=2, max_size=30, unique=True))
def test_pack_one__different_keys__never_collide(keys: list[str]) -> None:
    assert len({pack_key(key) for key in keys}) == len(keys)


@given(st.binary(max_size=40))
@example(b"\xf8" + bytes(16))
@example(b"\xfb")
@example(b"\xff")
def test_pack_bytes__bytes_that_are_no_text__come_back_as_well(key: bytes) -> None:
    members = pack_keys(pa.array([key], pa.binary()))
    assert members.to_pylist() == [pack_bytes(key)]
    assert unpack_members(members).to_pylist() == [key]


@pytest.mark.parametrize(
    ("key", "size"),
    [
        ("01234567-89ab-cdef-0123-456789abcdef", 17),
        ("01234567-89AB-CDEF-0123-456789ABCDEF", 36),
        ("{1234567-89ab-cdef-0123-456789abcde}", 36),
        ("0123456789abcdef", 9),
        ("0123456789abcde", 15),
        ("507f1f77bcf86cd799439011", 13),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 33),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", 17),
        ("81ARZ3NDEKTSV4RRFFQ69G5FAV", 26),
        ("01arz3ndektsv4rrffq69g5fav", 26),
        ("12345678", 8),
        ("1234567890123456", 9),
        ("12345678901234567", 17),
    ],
)
def test_pack_one__known_forms__have_the_documented_size(key: str, size: int) -> None:
    assert len(pack_key(key)) == size


@given(_COLUMNS, _TYPES, st.integers(0, 3))
def test_pack__any_column__equals_pack_one_row_by_row(
    keys: list[str], kind: pa.DataType, skipped: int
) -> None:
    members = pack_keys(column_of(keys, kind, skipped))
    assert members.to_pylist() == [pack_key(key) for key in keys]
    if len({len(pack_key(key)) for key in keys} - {0}) == 1 and "" not in keys:
        assert pa.types.is_fixed_size_binary(members.type)


@given(_COLUMNS, st.integers(0, 3))
def test_unpack__any_column__gives_back_the_keys(keys: list[str], skipped: int) -> None:
    expected = [key.encode() for key in keys]
    members = pack_keys(column_of(keys, pa.string()))
    assert unpack_members(members).to_pylist() == expected
    assert unpack_members(members.slice(skipped)).to_pylist() == expected[skipped:]
    plain = pa.array([pack_key(key) for key in keys], pa.binary())
    assert unpack_members(plain).to_pylist() == expected
    assert unpack_members(plain).type == pa.binary()


@pytest.mark.parametrize("position", range(36))
def test_pack__every_byte_at_every_place_of_a_uuid__is_packed_only_if_canonical(
    position: int,
) -> None:
    base = b"09afbc12-34de-4f56-a789-0b1c2d3e4f5a"
    keys = [base[:position] + bytes([byte]) + base[position + 1 :] for byte in range(256)]
    members = pack_keys(pa.array(keys, pa.binary())).to_pylist()
    for key, member in zip(keys, members, strict=True):
        canonical = _UUID.fullmatch(key.decode("latin-1")) is not None
        assert (len(member or b"") == 17) == canonical
        assert member == pack_bytes(key)


def test_pack__many_blocks_with_one_odd_row__equals_pack_one() -> None:
    source = random.Random(7)
    keys = [str(uuid.UUID(int=source.getrandbits(128))) for _ in range(20_000)]
    assert pack_keys(pa.array(keys)).to_pylist() == [pack_key(key) for key in keys]
    keys[17_123] = keys[17_123].upper()
    members = pack_keys(pa.array(keys))
    assert members.to_pylist() == [pack_key(key) for key in keys]
    assert unpack_members(members).to_pylist() == [key.encode() for key in keys]


@given(st.binary(max_size=24))
def test_unpack__any_bytes__are_a_member_or_corrupt(member: bytes) -> None:
    column = pa.array([member, b"some text"], pa.binary())
    try:
        key = unpack_members(column).to_pylist()[0]
    except MemberCorrupt:
        with pytest.raises(MemberCorrupt):
            unpack_members(column.slice(0, 1))
    else:
        assert unpack_members(column.slice(0, 1)).to_pylist() == [key]


@pytest.mark.parametrize(
    "member",
    [
        SENTINEL,
        b"\xf8",
        b"\xf8" + bytes(15),
        b"\xf9" + bytes(7),
        b"\xfa",
        b"\xfb",
        b"\xfba",
        b"\xff",
    ],
)
def test_unpack__what_pack_never_gives__is_corrupt(member: bytes) -> None:
    with pytest.raises(MemberCorrupt):
        unpack_member(member)
    with pytest.raises(MemberCorrupt):
        unpack_members(pa.array([b"text", member], pa.binary()))


def test_pack_one__half_a_surrogate_pair__is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        pack_key("\ud800")


def test_pack__nulls_or_numbers__are_refused() -> None:
    with pytest.raises(TypeError):
        pack_keys(pa.array(["a", None]))
    with pytest.raises(TypeError):
        pack_keys(pa.array([1, 2]))
