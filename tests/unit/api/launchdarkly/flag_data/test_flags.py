"""How many flags a document may have."""

import json

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.flag_data.flags import read_flags

_FLAG = {"on": True, "variations": [0], "fallthrough": {"variation": 0}}


def test_flags__more_than_are_allowed__are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.launchdarkly.flag_data.flags.MOST_FLAGS", 2)
    flags = {key: {"key": key, **_FLAG} for key in ("a", "b", "c")}
    with pytest.raises(InvalidRequest, match="more than 2"):
        list(read_flags(json.dumps({"flags": flags}).encode()))
    del flags["c"]
    assert [flag.key for flag in read_flags(json.dumps({"flags": flags}).encode())] == ["a", "b"]
