"""The body and the answer of an evaluation."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, StrictInt, StrictStr, ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import read_json
from api.bodies.models import MAX_SAFE_INTEGER, StrictBody, WireModel
from api.vercel.evaluation import Outcome, Reason
from api.vercel.evaluations.projects import EvaluableSegment

#: Segments that one request may name.
MOST_NAMED: Final = 10_000

_Seed = Annotated[
    StrictInt,
    Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER, json_schema_extra={"format": "int64"}),
]


class EvaluationBody(StrictBody):
    """Who is evaluated, and for which segments."""

    entities: Annotated[
        dict[str, Any] | None,
        Field(description='Kinds with their attributes: `{"user": {"id": "u1"}}`.'),
    ] = None
    seed: Annotated[
        _Seed | None,
        Field(description="The seed of the flag that is evaluated, or 0; splits depend on it."),
    ] = None
    segments: Annotated[
        list[StrictStr] | None,
        Field(max_length=MOST_NAMED, description="Ids or slugs; all segments without it."),
    ] = None


class SegmentOutcome(WireModel):
    """Whether the entities are in one segment."""

    id: str
    slug: str
    matched: bool
    reason: Reason
    """What decided; `error` if nothing could, which `errors` then explains."""
    rule_id: str | None
    """The rule that decided, with `rule` and `split`."""


class SegmentError(WireModel):
    """Why nobody knows whether the entities are in a segment."""

    id: str
    slug: str
    message: str


class EvaluationRepresentation(WireModel):
    """Whether the entities are in each segment."""

    data: list[SegmentOutcome]
    errors: list[SegmentError]


def read_evaluation(raw: bytes) -> EvaluationBody:
    """Read the body of a request.

    Raises:
        InvalidRequest: it has another form; says where.
    """
    try:
        return EvaluationBody.model_validate(read_json(raw, keeps_halves=True))
    except ValidationError as exc:
        raise refusal(exc) from exc


def write_outcomes(segments: Iterable[EvaluableSegment], outcomes: Sequence[Outcome]) -> bytes:
    """Write the answer as JSON: what the model above makes of the same fields.

    Cost: about 2 µs a segment.
    """
    data, errors = [], []
    for segment, outcome in zip(segments, outcomes, strict=True):
        named = {"id": segment.id, "slug": segment.slug}
        data.append(
            {
                **named,
                "matched": outcome.matched,
                "reason": outcome.reason,
                "ruleId": outcome.rule_id,
            }
        )
        if outcome.error is not None:
            errors.append({**named, "message": outcome.error})
    return json.dumps({"data": data, "errors": errors}, separators=(",", ":")).encode()
