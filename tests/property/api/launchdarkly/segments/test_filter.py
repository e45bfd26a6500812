import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidRequest
from api.launchdarkly.segments.filter import parse_filter
from worker.store import EnvironmentRef, Segment

# A filter as a tree: ("or" | "and", [trees]) or (field, operator, value).
Tree = Any

words = st.text("abAB é", max_size=3)
segments = st.builds(
    Segment,
    env=st.just(EnvironmentRef("default", "production")),
    key=st.text("abAB", min_size=1, max_size=3),
    name=words,
    generation=st.just(1),
    created_ms=st.just(0),
    modified_ms=st.just(0),
    description=st.none() | words,
    tags=st.lists(st.text("ab", max_size=2), max_size=2).map(tuple),
    unbounded=st.booleans(),
)
many = st.lists(words | st.text('",\\[]()|\n\x00😀', max_size=3), max_size=3)
terms: st.SearchStrategy[Tree] = st.one_of(
    st.tuples(st.sampled_from(["includedKeys", "excludedKeys", "tags"]), st.just("anyOf"), many),
    st.tuples(st.just("query"), st.just("equals"), words | many),
    st.tuples(st.just("unbounded"), st.just("equals"), st.booleans()),
    st.tuples(st.just("external"), st.just("exists"), st.booleans()),
)
trees: st.SearchStrategy[Tree] = st.recursive(
    terms,
    lambda below: st.tuples(
        st.sampled_from(["or", "and"]), st.lists(below, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def holds(tree: Tree, one: Segment) -> bool:
    """What a filter means, said as plainly as can be."""
    if tree[0] == "or":
        return any(holds(below, one) for below in tree[1])
    if tree[0] == "and":
        return all(holds(below, one) for below in tree[1])
    field, _, value = tree
    texts = [value] if isinstance(value, str) else value
    meanings: dict[str, Callable[[], bool]] = {
        "includedKeys": lambda: one.key in texts,
        "excludedKeys": lambda: one.key not in texts,
        "tags": lambda: len(set(one.tags) & set(texts)) > 0,
        "query": lambda: any(
            text.casefold() in place.casefold()
            for text in texts
            for place in (one.key, one.name, one.description or "")
        ),
        "unbounded": lambda: one.unbounded == value,
        "external": lambda: not value,
    }
    return meanings[field]()


def written(tree: Tree, draw: Callable[[Any], Any], *, inside_and: bool = False) -> str:
    """The filter as a text, with as few parentheses as its meaning allows, or more."""

    def blank() -> str:
        return str(draw(st.sampled_from(["", " ", " \t\n"])))

    if tree[0] not in {"or", "and"}:
        field, operator, value = tree
        text = json.dumps(value, ensure_ascii=draw(st.booleans()))
        return f"{blank()}{field} {operator}{blank() or ' '}{text}{blank()}"
    is_and = tree[0] == "and"
    # A group of one writes no separator of its own, so what is in it stands inside the outer one.
    inner = is_and or (inside_and and len(tree[1]) == 1)
    parts = [written(below, draw, inside_and=inner) for below in tree[1]]
    joined = ("," if is_and else "|").join(parts)
    needed = inside_and and not is_and and len(parts) > 1
    return f"{blank()}({joined}){blank()}" if needed or draw(st.booleans()) else joined


@given(tree=trees, among=st.lists(segments, max_size=6), data=st.data())
@settings(max_examples=100, deadline=None)
def test_parse_filter__any_filter__keeps_what_the_reference_keeps(
    tree: Tree, among: list[Segment], data: st.DataObject
) -> None:
    keep = parse_filter(written(tree, data.draw))
    assert [keep(one) for one in among] == [holds(tree, one) for one in among]


@given(
    text=st.lists(
        st.sampled_from(["tags", "query", "view", "anyOf", "equals", "exists", "true", "[", "]"])
        | st.sampled_from(["(", ")", ",", "|", '"a"', '"', " ", "\\", "x", "1", "[[", "é"]),
        max_size=12,
    ).map(" ".join)
)
@settings(max_examples=150, deadline=None)
def test_parse_filter__any_text__read_or_refused_within_the_text(text: str) -> None:
    try:
        parse_filter(text)
    except InvalidRequest as exc:
        at = int(str(exc).rpartition(" ")[2])
        assert 1 <= at <= len(text) + 1
