"""A document that is read member by member is what it is when it is read at once."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.bodies.json_members import read_members
from api.bodies.json_values import read_json
from api.errors import InvalidRequest

_TEXTS = st.text(st.sampled_from('aé"\\{}[]:, \n'), max_size=4)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(1e400) | st.just("\ud800") | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(["in", "out", "", "é"]), _VALUES, max_size=4) | _VALUES


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A document in any layout, which may have lost or got a few characters."""
    indent, ascii_only = draw(st.sampled_from([None, 1])), draw(st.booleans())
    text = json.dumps(draw(_DOCUMENTS), indent=indent, ensure_ascii=ascii_only)
    at = draw(st.integers(0, len(text)))
    cut = draw(st.sampled_from([0, 0, 1, 2]))
    put = draw(st.sampled_from(["", "", ",", '"', "}", "{", "0", " ", '"in":{},', "x"]))
    body = (text[:at] + put + text[at + cut :]).encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + body


@given(_bodies())
def test_members__of_any_text__are_those_of_the_whole(raw: bytes) -> None:
    try:
        whole = read_json(raw)
    except InvalidRequest:
        whole = None

    try:
        members = [*read_members(raw, inside="in")]
    except InvalidRequest:
        members = None

    assert (members is None) == (not isinstance(whole, dict))
    if members is not None:
        assert json.dumps(_joined(members)) == json.dumps(whole)


def _joined(members: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for names, value in members:
        if len(names) == 1:
            joined[names[0]] = value
        else:
            joined[names[0]][names[1]] = value
    return joined
