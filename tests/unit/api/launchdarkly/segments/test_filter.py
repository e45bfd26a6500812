import pytest

from api.errors import InvalidRequest
from api.launchdarkly.segments.filter import parse_filter
from api.launchdarkly.segments.listing import parse_sort, sort_segments
from api.launchdarkly.wire.filters import DEEPEST, LONGEST
from worker.store import EnvironmentRef, Segment


def _segment(key: str, name: str = "", *, tags: tuple[str, ...] = (), at: int = 0) -> Segment:
    return Segment(
        env=EnvironmentRef("default", "production"),
        key=key,
        name=name or key,
        generation=1,
        created_ms=at,
        modified_ms=100 - at,
        description="Zürich office" if key == "c" else None,
        tags=tags,
        unbounded=key == "b",
    )


SEGMENTS = (
    _segment("a", "Toggle A", tags=("beta",)),
    _segment("b", "Bees", tags=("enterprise", "beta")),
    _segment("c", "Sea"),
)


def _kept(text: str) -> str:
    keep = parse_filter(text)
    return "".join(one.key for one in SEGMENTS if keep(one))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", "abc"),
        (" \t", "abc"),
        ('tags anyOf ["enterprise", "beta"],query equals "toggle"', "a"),
        ('excludedKeys anyOf ["a", "b"]', "c"),
        ("unbounded equals true", "b"),
        ("unbounded equals false", "ac"),
        ('includedKeys anyOf ["c","a","nobody"]', "ac"),
        ("includedKeys anyOf []", ""),
        ("excludedKeys anyOf [ ]", "abc"),
        ('query equals "ZÜRICH"', "c"),
        ('query equals "OGGLE"', "a"),
        ('query equals ["toggle","bees"]', "ab"),
        ('query equals ""', "abc"),
        ('query equals "\\u0062ees"', "b"),
        ("external exists true", ""),
        ("external exists false", "abc"),
        ("external exists|unbounded equals true", "b"),
        ('view equals "mine"', ""),
        ('view anyOf ["mine"]', ""),
        ("view exists false", "abc"),
        ('unbounded equals true,query equals "toggle"|query equals "sea"', "c"),
        ('query equals "sea"|unbounded equals true,query equals "toggle"', "c"),
        ('unbounded equals true,(query equals "toggle"|query equals "bees")', "b"),
        ('((query equals"sea"))', "c"),
        ('\n( tags\tanyOf\n["beta"] ) , unbounded equals false', "a"),
        ("(" * DEEPEST + "unbounded equals true" + ")" * DEEPEST, "b"),
    ],
)
def test_parse_filter__good__keeps_what_it_says(text: str, kept: str) -> None:
    assert _kept(text) == kept


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("name equals 'x'", 1),
        ('query contains "x"', 7),
        ("query equals", 13),
        ("query equals x", 14),
        ('query equals "x', 14),
        ('query equals "\\x"', 14),
        ('query equals ["x" "y"]', 19),
        ('query equals ["x",]', 19),
        ('query equals ["x"', 18),
        ("query equals [1]", 15),
        ('tags anyOf "x"', 12),
        ('tags equals ["x"]', 6),
        ("unbounded equals 1", 18),
        ('unbounded equals "true"', 18),
        ("external exists maybe", 17),
        ("unbounded equals true,", 23),
        ("unbounded equals true unbounded equals true", 23),
        ("(unbounded equals true", 23),
        ("unbounded equals true)", 22),
        ("()", 2),
        ("|unbounded equals true", 1),
        ("(" * 33 + "unbounded equals true" + ")" * 33, 33),
        ("(" * 20_000, 33),
        ('Tags anyOf ["x"]', 1),
    ],
)
def test_parse_filter__bad__refused_with_its_place(text: str, at: int) -> None:
    with pytest.raises(InvalidRequest, match=rf"^filter: .* at character {at}$"):
        parse_filter(text)


def test_parse_filter__too_long__refused() -> None:
    with pytest.raises(InvalidRequest, match="32,768 characters"):
        parse_filter("(" * (LONGEST + 1))


ORDERED = (
    _segment("x", "Bravo", at=3),
    _segment("y", "Alpha", at=1),
    _segment("z", "Bravo", at=2),
    _segment("w", "alpha", at=2),
)


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        ("", "xwzy"),
        ("creationDate", "ywzx"),
        ("-creationDate", "xwzy"),
        ("name", "yxzw"),
        ("-name", "wxzy"),
        ("lastModified", "xwzy"),
        ("-lastModified", "ywzx"),
        ("name,creationDate", "yzxw"),
        (" name , -creationDate ", "yxzw"),
    ],
)
def test_sort_segments__fields__sorted_and_ties_newest_first(sort: str, keys: str) -> None:
    assert "".join(one.key for one in sort_segments(ORDERED, parse_sort(sort))) == keys


@pytest.mark.parametrize("sort", ["key", "lastModifiedDate", "name,", "--name", "+name", ",", "-"])
def test_parse_sort__no_such_field__refused(sort: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^sort: field \d is none of creationDate, name"):
        parse_sort(sort)
