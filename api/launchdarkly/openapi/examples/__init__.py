"""Examples of every body and answer, by operation; a test holds each against its schema."""

from collections.abc import Mapping
from typing import Final

from api.launchdarkly.openapi.examples import (
    audit_log,
    evaluations,
    expiring,
    jobs,
    memberships,
    places,
    segments,
    service,
    tokens,
)
from api.launchdarkly.openapi.examples.example import NONE, Examples

_ALL: Final[Mapping[str, Examples]] = {
    **segments.EXAMPLES,
    **memberships.EXAMPLES,
    **jobs.EXAMPLES,
    **places.EXAMPLES,
    **evaluations.EXAMPLES,
    **expiring.EXAMPLES,
    **tokens.EXAMPLES,
    **audit_log.EXAMPLES,
    **service.EXAMPLES,
}


def examples_of(operation_id: str) -> Examples:
    """The examples of an operation; none if nobody wrote any."""
    return _ALL.get(operation_id, NONE)
