"""The body of a bulk look-up: which segments are asked about which context keys."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Final

import pyarrow as pa
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from api.access.scope import AccessScope
from api.bodies.json_values import read_json
from api.bodies.models import StrictBody
from api.bodies.text_columns import find_bad_key, read_text_columns
from api.errors import Forbidden, InvalidRequest
from api.launchdarkly.wire.requests import require_keys
from api.lookups.lookups import SegmentAddress
from worker.byte_columns import Column
from worker.store import AskedMembers, EnvironmentRef

#: Contexts times segments of one request: about 0.2 s of the process, in steps.
MOST_PAIRS: Final = 100_000
MOST_SEGMENTS: Final = 1_000


class BigSegmentMembershipsQuestion(StrictBody):
    """Which contexts are looked up in which big segments."""

    segments: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=MOST_SEGMENTS,
            description="Keys of big segments of the environment, each once.",
        ),
    ]
    contexts: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=MOST_PAIRS,
            description="Keys of contexts; their kind is each segment's. At most 100,000 divided "
            "by the number of segments.",
        ),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class BulkQuestion:
    """A question that can be asked."""

    segments: tuple[str, ...]
    contexts: Column
    asked: AskedMembers

    @property
    def pairs(self) -> int:
        """How many answers are asked for."""
        return len(self.segments) * len(self.contexts)


def read_question(raw: bytes) -> BulkQuestion:
    """Read a body. Takes 0.1 s for 4 MB, mostly without the interpreter's lock.

    Raises:
        InvalidRequest: it is not JSON, a key is no context key, or it asks for too much.
        RequestValidationError: a field is wrong or not known; says where.
    """
    segments, contexts = _read_fields(raw)
    if len(set(segments)) < len(segments):
        repeated = next(key for key, count in Counter(segments).items() if count > 1)
        raise InvalidRequest(f"segments: {ascii(repeated)[:80]} is named twice; name each once")
    pairs = len(segments) * len(contexts)
    if pairs > MOST_PAIRS:
        raise InvalidRequest(
            f"{len(segments):,} segments times {len(contexts):,} contexts are {pairs:,} answers; "
            f"at most {MOST_PAIRS:,} are given: send several requests"
        )
    bad = find_bad_key(contexts)
    if bad is not None:
        raise InvalidRequest(f"contexts[{bad[0]}]: {bad[1]}")
    return BulkQuestion(segments, contexts, AskedMembers.of(contexts))


def require_addresses(
    question: BulkQuestion, env: EnvironmentRef, seen: AccessScope
) -> list[SegmentAddress]:
    """The segments that are asked, each of which must be among those that the caller may see.

    Raises:
        Forbidden: one is not.
        NotFound: a key that no segment can have.
    """
    for key in question.segments:
        require_keys(key)
        if not seen.allows(env.project, env.environment, key):
            raise Forbidden
    return [(env.project, env.environment, key) for key in question.segments]


def _read_fields(raw: bytes) -> tuple[tuple[str, ...], Column]:
    columns = read_text_columns(raw, ("segments", "contexts"))
    if columns is not None:
        segments, contexts = columns["segments"], columns["contexts"]
        if 0 < len(segments) <= MOST_SEGMENTS and 0 < len(contexts) <= MOST_PAIRS:
            return tuple(map(str, segments.to_pylist())), contexts
    try:
        body = BigSegmentMembershipsQuestion.model_validate(read_json(raw))
    except ValidationError as exc:
        errors = exc.errors(include_input=False, include_url=False)
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in errors]) from exc
    return tuple(body.segments), pa.array(body.contexts, pa.string())
