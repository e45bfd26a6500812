"""The patches that the OpenAPI document shows apply, and there is one of every instruction."""

import copy

import pytest

from api.launchdarkly.operations import SEMANTIC_PATCH
from api.launchdarkly.segments.apply_patch import apply_patch
from api.launchdarkly.segments.instructions.applying import TABLE
from api.openapi.contribution import read_examples
from api.rest.operations import JSON
from tests.support.segments.segments import NO_OTHERS, Ids

_EXAMPLES = read_examples("api.launchdarkly.openapi")
_PATCHES = _EXAMPLES["patchSegment"]["bodies"]
_STANDARD, _BIG = (
    _EXAMPLES["getSegment"]["answers"]["200"][name] for name in ("standard segment", "big segment")
)
_INSTRUCTIONS = [
    instruction
    for patch in _PATCHES[SEMANTIC_PATCH].values()
    for instruction in patch["instructions"]
]


def test_instructions__every_kind__has_an_example() -> None:
    assert {instruction["kind"] for instruction in _INSTRUCTIONS} == set(TABLE)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [(media_type, name) for media_type, named in _PATCHES.items() for name in named],
)
def test_patch__of_the_examples__applies_to_a_segment_of_the_examples(
    media_type: str, name: str
) -> None:
    assert {*_PATCHES} == {JSON, SEMANTIC_PATCH}

    # Raises if it cannot be applied.
    apply_patch(
        _BIG if "BigSegment" in name else _STANDARD,
        copy.deepcopy(_PATCHES[media_type][name]),
        media_type,
        environment="production",
        ids=Ids(),
        others=NO_OTHERS,
    )
