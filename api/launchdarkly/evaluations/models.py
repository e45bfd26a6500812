"""The answer of an evaluation as LaunchDarkly's clients see it.

All nine fields of an item are there and none is null: the clients insist.
Source: section 6 of the Segments API's documentation and the clients' models.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import Field

from api.bodies.models import WireModel
from api.evaluation import Outcome
from api.launchdarkly.evaluations.environments import EvaluableSegment
from api.launchdarkly.wire.links import PREFIX, Links, link, segments_path
from worker.store import EnvironmentRef


class ContextInstanceSegmentMembership(WireModel):
    """Whether a context is a member of one segment."""

    name: str
    key: str
    description: str
    unbounded: bool
    external: str
    is_member: bool
    is_individually_targeted: bool
    is_rule_targeted: bool
    links: Links = Field(alias="_links")


class ContextInstanceSegmentMemberships(WireModel):
    """Whether a context is a member of each segment of an environment."""

    items: list[ContextInstanceSegmentMembership]
    links: Links = Field(alias="_links")


def write_memberships(
    env: EnvironmentRef, segments: Iterable[EvaluableSegment], outcomes: Mapping[str, Outcome]
) -> bytes:
    """Write the answer as JSON: what the model above makes of the same fields.

    Args:
        env: the environment.
        segments: those that the caller may see.
        outcomes: by segment key, of these at least.

    Cost: about 1 µs per segment.
    """
    items = b",".join(
        [segment.json_start + _json_end(outcomes[segment.definition.key]) for segment in segments]
    )
    return b'{"items":[' + items + b'],"_links":' + _links(env) + b"}"


def _json_end(outcome: Outcome) -> bytes:
    return _ENDS[outcome.is_member, outcome.is_individually_targeted, outcome.is_rule_targeted]


def _write_end(*values: bool) -> bytes:
    names = ("isMember", "isIndividuallyTargeted", "isRuleTargeted")
    return b"," + json.dumps(dict(zip(names, values, strict=True)))[1:].encode()


_BOTH: Final = (False, True)
_ENDS: Final = {(a, b, c): _write_end(a, b, c) for a in _BOTH for b in _BOTH for c in _BOTH}


def _links(env: EnvironmentRef) -> bytes:
    path = f"{PREFIX}/projects/{env.project}/environments/{env.environment}"
    links = {"parent": link(segments_path(env)), "self": link(f"{path}/segments/evaluate")}
    return json.dumps(links).encode()
