"""Bodies and answers have Python's names inside and the names of the wire outside."""

from typing import Annotated

import pytest
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from api.bodies.faults import refusal
from api.bodies.models import StrictBody, WireModel, wire_names


class _Answer(WireModel):
    answer_id: str = Field(alias="_id")
    total_count: int


class _Inner(StrictBody):
    context_kind: str = "user"


class _Body(StrictBody):
    ignored = frozenset({"temporary"})

    context_kind: Annotated[str, Field(max_length=3)] = "any"
    inner: _Inner = _Inner()


class _OurOwn(StrictBody):
    model_config = ConfigDict(validate_by_name=True)

    context_kind: str


def test_wire_model__made_by_pythons_names__is_written_by_those_of_the_wire() -> None:
    answer = _Answer(answer_id="a", total_count=1)

    assert answer.model_dump_json() == '{"_id":"a","totalCount":1}'
    assert wire_names(_Answer) == ("_id", "totalCount")


def test_strict_body__pythons_name_from_outside__is_an_unknown_field() -> None:
    adapter = TypeAdapter(_Body)
    assert adapter.validate_python({"contextKind": "abc"}).context_kind == "abc"

    for body in ({"context_kind": "abc"}, {"inner": {"context_kind": "abc"}}):
        with pytest.raises(ValidationError) as caught:
            adapter.validate_python(body)
        assert "unknown field context_kind; nearest: contextKind" in refusal(caught.value).message


def test_strict_body__made_by_pythons_names__refuses_them_from_outside() -> None:
    assert _OurOwn(context_kind="a").context_kind == "a"

    with pytest.raises(ValidationError, match="context_kind"):
        _OurOwn.model_validate({"context_kind": "a"}, by_alias=True, by_name=False)


def test_strict_body__wrong_value__is_placed_by_its_wire_name() -> None:
    with pytest.raises(ValidationError) as caught:
        _Body.model_validate({"contextKind": "abcd"})
    assert refusal(caught.value).message.startswith("contextKind: ")


def test_strict_body__ignored_field__means_nothing_and_a_nested_one_is_suggested() -> None:
    assert _Body.model_validate({"temporary": 1}) == _Body()

    with pytest.raises(ValidationError, match=r"nearest: inner\.contextKind"):
        _Nesting.model_validate({"contextKind": "a"})


class _Nesting(StrictBody):
    inner: _Inner = _Inner()
