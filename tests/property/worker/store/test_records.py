"""Stored values come back as they were written, and nothing else is taken for one."""

import dataclasses
import json
from typing import Any, Final, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.store import (
    AccessToken,
    Change,
    Environment,
    EnvironmentRef,
    Grant,
    Project,
    Segment,
    UnreadableRecord,
)
from worker.store.audit.entries import ENTRY_BYTES, Position
from worker.store.audit.entries import decode as decode_entry
from worker.store.audit.entries import encode as encode_entry
from worker.store.jobs.requests import RequestRecord
from worker.store.records import RecordCodec
from worker.store.segments.definitions import (
    DefinitionChange,
    TargetSchedule,
    decode_definition,
    decode_schedules,
    decode_segment,
    encode_segment,
    encode_targets,
)

PRODUCTION: Final = EnvironmentRef("default", "production")
SEGMENT: Final = Segment(PRODUCTION, "beta", "Beta", 1, 1, 1, targeted=True)

#: Text that is UTF-8, which is all that the API takes.
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS: Final = st.integers(-(2**63), 2**63 - 1)
FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
JSON: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS: Final = st.dictionaries(TEXTS, JSON, max_size=4)


SCHEDULES: Final = st.lists(st.from_type(TargetSchedule), max_size=3).map(tuple)


@pytest.mark.parametrize("kind", [Project, Environment, AccessToken, RequestRecord, TargetSchedule])
@given(data=st.data())
def test_codec__any_value__comes_back_as_it_was(kind: type[Any], data: st.DataObject) -> None:
    """Every field is drawn by its type, also those with a default."""
    fields = {field.name: st.from_type(hint) for field, hint in _fields(kind)}
    if "details" in fields:
        fields["details"] = OBJECTS
    value = data.draw(st.builds(kind, **fields))
    codec: RecordCodec[Any] = RecordCodec(kind)

    assert codec.decode(codec.encode(value), "it") == value


def _fields(kind: type[Any]) -> list[tuple[dataclasses.Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(field, hints[field.name]) for field in dataclasses.fields(kind)]


@given(
    st.builds(
        Segment,
        env=st.just(PRODUCTION),
        tags=st.lists(TEXTS, max_size=3).map(tuple),
        description=st.none() | TEXTS,
        expires_ms=st.none() | NUMBERS,
    )
)
def test_segment__any__comes_back_without_its_environment_in_the_text(segment: Segment) -> None:
    text = encode_segment(segment)

    assert "env" not in json.loads(text)
    assert decode_segment(PRODUCTION, segment.key, text) == segment


@given(OBJECTS, SCHEDULES)
def test_targets__with_schedules__come_back_apart(
    targeting: dict[str, Any], schedules: tuple[TargetSchedule, ...]
) -> None:
    text = json.dumps(targeting)
    stored = encode_targets(DefinitionChange("Beta", None, (), text, schedules))
    definition = decode_definition(SEGMENT, stored)

    assert definition.targeting == text.encode()
    assert decode_schedules(definition) == schedules


@given(
    st.builds(
        Change,
        actions=st.just(("updateName",)),
        comment=st.none() | TEXTS,
        before=st.none() | OBJECTS,
        after=st.none() | OBJECTS,
    )
)
def test_entry__any__comes_back_as_it_was_or_says_that_it_is_cut(change: Change) -> None:
    text = encode_entry(change)
    entry = decode_entry(Position(1, 0, PRODUCTION), text)

    assert entry.change == change or entry.change.truncated
    assert len(text) <= ENTRY_BYTES


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_decode__not_a_segment__is_refused_by_name(text: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="segment beta in default:production"):
        decode_segment(PRODUCTION, "beta", text)


@pytest.mark.parametrize(
    "change",
    [{"new_field": 1}, {"name": None}, {"tags": "a"}, {"version": "x"}],
    ids=str,
)
def test_decode__another_release__is_refused(change: dict[str, Any]) -> None:
    fields = json.loads(encode_segment(SEGMENT)) | change
    with pytest.raises(UnreadableRecord):
        decode_segment(PRODUCTION, "beta", json.dumps(fields).encode())


def test_decode__secret_in_a_bad_record__is_in_no_error() -> None:
    codec = RecordCodec(AccessToken, outside=["id", "used_ms"])
    token = AccessToken(
        "t", "n", "reader", "secret-digest", "abcd", 1, 1, "admin", grants=(Grant(),)
    )
    text = codec.encode(token).replace(b'"created_ms":1', b'"created_ms":"secret-digest"')

    with pytest.raises(UnreadableRecord) as caught:
        codec.decode(text, "access token t", id="t", used_ms=None)

    assert "created_ms" in str(caught.value.__cause__)
    assert "secret-digest" not in f"{caught.value} {caught.value.__cause__}"
