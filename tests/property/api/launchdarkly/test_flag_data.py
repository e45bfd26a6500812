"""Whatever is sent as flags: what is taken is whole JSON, and the strictest SDK reads it."""

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from ldclient.impl.model import FeatureFlag

from api.errors import InvalidRequest
from api.launchdarkly.flag_data.documents import FlagDocument, Wanted
from api.launchdarkly.flag_data.flags import read_flags
from api.sdk.data.rendering import render_flags

_CLAUSE: Final = {"attribute": "a", "op": "in", "values": ["x"], "negate": False}
_ROLLOUT: Final = {"variations": [{"variation": 0, "weight": 100_000}], "bucketBy": "a"}
_FLAG: Final = {
    "key": "a",
    "version": 3,
    "on": True,
    "variations": [False, True],
    "offVariation": 0,
    "fallthrough": {"rollout": _ROLLOUT},
    "prerequisites": [{"key": "b", "variation": 0}],
    "targets": [{"variation": 1, "values": ["k"]}],
    "contextTargets": [{"contextKind": "org", "variation": 1, "values": ["k"]}],
    "rules": [{"id": "r", "variation": 1, "clauses": [_CLAUSE], "trackEvents": False}],
    "salt": "s",
    "trackEvents": False,
    "debugEventsUntilDate": 0,
    "migration": {"checkRatio": 1},
    "samplingRatio": 1,
    "excludeFromSummaries": False,
}
_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = [*value.items()] if isinstance(value, dict) else []
    inner += enumerate(value) if isinstance(value, list) else []
    return [place, *(found for key, part in inner for found in _places(part, (*place, key)))]


_PLACES: Final = _places(_FLAG)[1:]


@st.composite
def _spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A flag of which something is another value, or missing, and something unknown is there."""
    flag: dict[str, Any] = json.loads(json.dumps(_FLAG))
    *outer, last = draw(st.sampled_from(_PLACES))
    part: Any = flag
    for name in outer:
        part = part[name]
    if draw(st.booleans()):
        part[last] = draw(_JSON)
    else:
        del part[last]
    if isinstance(part, dict):
        part["unknown"] = draw(_JSON)
    return flag


@given(_spoilt())
def test_flag__that_is_taken__is_read_by_the_strictest_sdk(flag: dict[str, Any]) -> None:
    try:
        wanted = Wanted.of(read_flags(json.dumps({"flags": {"a": flag}}).encode()))
    except InvalidRequest:
        return
    text = FlagDocument({}).replaced_by(wanted.flags, 7).text()

    (found,) = json.loads(text)["flags"].values()
    (item,) = render_flags(text).values()
    assert json.loads(item.body) == found
    assert item.version == found["version"] == 7
    assert FeatureFlag(found).version == 7
    for name, value in flag.items():
        if name not in _FLAG and value is not None:
            assert json.dumps(found[name]) == json.dumps(value)


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True), _JSON))
def test_document__of_any_flags__is_read_as_it_was_written(values: dict[str, Any]) -> None:
    rests = {key: json.dumps({"x": value}).encode()[1:] for key, value in values.items()}
    document = FlagDocument({}).replaced_by(rests, 1)

    assert FlagDocument.parse(document.text()) == document
    assert json.loads(document.text())["flags"] == {
        key: {"version": 1, "x": value} for key, value in values.items()
    }
