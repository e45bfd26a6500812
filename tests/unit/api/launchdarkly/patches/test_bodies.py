import pytest

from api.errors import InvalidRequest
from api.launchdarkly.wire.patch_bodies import is_semantic, read_patch
from tests.support.segments.segments import SEMANTIC


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json; domain-model=launchdarkly.semanticpatch", True),
        ("application/json;domain-model=launchdarkly.semanticpatch", True),
        ("Application/JSON ;  Domain-Model = LaunchDarkly.SemanticPatch ; charset=utf-8", True),
        ('application/json; charset=utf-8; domain-model="launchdarkly.semanticpatch"', True),
        ("application/json; domain-model=other", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_is_semantic__any_spelling__told_by_the_parameter(
    content_type: str, *, expected: bool
) -> None:
    assert is_semantic(content_type) is expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"instructions": []}, "application/json"),
        ({"instructions": [], "patch": []}, "application/json"),
        ({"patch": {}}, "application/json"),
        ({"patch": [], "comment": 1}, "application/json"),
        ({"merge": []}, "application/json"),
        ("text", "application/json"),
        (None, "application/json"),
        ([], SEMANTIC),
        ({}, SEMANTIC),
        ({"instructions": {}}, SEMANTIC),
        ({"instructions": [], "comment": []}, SEMANTIC),
        ({"instructions": [], "environmentKey": "test"}, SEMANTIC),
        ({"instructions": [], "environmentKey": 5}, SEMANTIC),
    ],
)
def test_read_patch__wrong_shape__refused(body: object, content_type: str) -> None:
    with pytest.raises(InvalidRequest):
        read_patch(body, content_type, "production")
