"""Attribute references: literal names, paths, and what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evaluation import Reference, SegmentInError, parse_reference

ATTRIBUTES = {
    "name": "Ada",
    "address": {"city": "Bonn", "geo": {"lat": 50.7}, "none": None},
    "tags": ["a", {"b": 1}],
    "a/b": 1,
    "~t": 2,
    "/odd": 3,
    "": 4,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name", "Ada"),
        ("/name", "Ada"),
        ("/address/city", "Bonn"),
        ("/address/geo/lat", 50.7),
        ("/address/geo", {"lat": 50.7}),
        ("/a~1b", 1),
        ("a/b", 1),
        ("/~0t", 2),
        ("~t", 2),
        ("/~1odd", 3),
        ("/address/none", None),
        ("/address/none/deeper", None),
        ("/address/city/deeper", None),
        ("/tags/0", None),
        ("/tags/1/b", None),
        ("/missing", None),
        ("address/city", None),
    ],
)
def test_reference__with_a_kind__path(text: str, value: object) -> None:
    assert parse_reference(text, "user").value_in(ATTRIBUTES) == value


@pytest.mark.parametrize("kind", ["", None])
@pytest.mark.parametrize(
    ("text", "value"),
    [("name", "Ada"), ("/odd", 3), ("a/b", 1), ("~t", 2), ("/name", None), ("/", None)],
)
def test_reference__without_a_kind__literal_name(
    kind: str | None, text: str, value: object
) -> None:
    assert parse_reference(text, kind).value_in(ATTRIBUTES) == value


@pytest.mark.parametrize("text", ["", "/", "//", "/a//b", "/a/", "///", "/~2", "/a~", "/a/~x"])
def test_reference__malformed__error_that_quotes_it(text: str) -> None:
    with pytest.raises(SegmentInError) as caught:
        parse_reference(text, "user")
    assert repr(text) in str(caught.value)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_reference__any_escaped_names__come_back(names: list[str]) -> None:
    text = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    first, *rest = names
    assert parse_reference(text, "user") == Reference(first, tuple(rest))
