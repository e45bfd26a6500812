"""Which keys a glob matches."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.objects.selecting.patterns import KeyPattern, has_wildcard, literal_start


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a/*.csv", ["a/x.csv", "a/.csv"], ["a/x/y.csv", "a/x.csv.gz", "b/x.csv"]),
        ("a/**", ["a/", "a/x", "a/x/y"], ["a", "b/a/x"]),
        ("a/**/p.csv", ["a/p.csv", "a/x/p.csv", "a/x/y/p.csv"], ["a/xp.csv", "ap.csv"]),
        ("a/**/**/p", ["a/p", "a/x/p"], ["ap"]),
        ("**/p", ["p", "x/p", "x/y/p"], ["xp"]),
        ("a/**.csv", ["a/x.csv", "a/x/y.csv"], ["a/x.csv.gz"]),
        ("a/?", ["a/x", "a/é"], ["a/", "a//", "a/xy"]),
        ("a/[a-c0]x", ["a/ax", "a/cx", "a/0x"], ["a/dx", "a/-x"]),
        ("a/[!a-c]x", ["a/dx"], ["a/ax", "a//x"]),
        ("a/[]x]", ["a/]", "a/x"], ["a/["]),
        ("a/[x", ["a/[x"], ["a/x"]),
        ("*/*/c", ["a/b/c", "//c"], ["a/c", "a/b/b/c"]),
    ],
)
def test_pattern__keys__match_or_not(pattern: str, matching: list[str], others: list[str]) -> None:
    found = KeyPattern.parse(pattern)

    assert [key for key in [*matching, *others] if found.matches(key)] == matching


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "?", "**", "[ab]"]), max_size=8),
    st.text("ab/", max_size=10),
)
def test_pattern__any__matches_what_a_regular_expression_does(parts: list[str], key: str) -> None:
    pattern = "".join(parts)
    meanings = {"*": "[^/]*", "?": "[^/]", "[ab]": "[ab]"}
    expression = "".join(
        f"{found[1]}(?:.*/)?"
        if found[2]
        else meanings.get(found[0], ".*" if found[3] else found[0])
        for found in re.finditer(r"(^|/)(\*\*/)|(\*\*)|\*|\?|\[ab\]|.", pattern)
    )
    if "***" in pattern or "**/**" in pattern:
        return  # the expression above reads them differently

    assert KeyPattern.parse(pattern).matches(key) == bool(re.fullmatch(expression, key))


def test_pattern__made_to_be_slow__is_not() -> None:
    pattern = KeyPattern.parse("a" + "**a*a" * 200 + "b")
    began = time.process_time()

    assert not pattern.matches("a" * 1_000)
    assert time.process_time() - began < 1


def test_pattern__wildcards__begin_where_the_literal_ends() -> None:
    assert literal_start("a/b-*/c?") == "a/b-"
    assert has_wildcard("a[1].csv")
    assert not has_wildcard("a/b.csv")
