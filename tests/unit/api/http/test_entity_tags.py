"""Entity tags in the headers of a request."""

import pytest

from api.http.entity_tags import is_named, is_same


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"x", W/"a" ,"y"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ("a", False),
        ('"aa"', False),
        ('"b", "*"', False),
    ],
)
def test_if_none_match__list_of_tags__names_by_any(value: str, *, named: bool) -> None:
    assert is_named('"a"', value) is named


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ('"a"', True),
        (' "a" ', True),
        ('W/"a"', False),
        ('"b"', False),
        ("Wed, 21 Oct 2015 07:28:00 GMT", False),
        ("*", False),
    ],
)
def test_if_range__strong_tag__names_this_file_alone(value: str, *, same: bool) -> None:
    assert is_same('"a"', value) is same
