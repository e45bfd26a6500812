"""What the lists of imports and of exports share: filters, pages, and where they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Query

from api.access.auth import Caller
from api.bodies.models import Int32
from api.bodies.unknown_names import list_known
from api.errors import InvalidRequest
from api.jobs.records import Period
from api.launchdarkly.wire.filters import Maker, Predicate, ValueKind
from api.launchdarkly.wire.links import PREFIX, SegmentPath, environments_path
from api.launchdarkly.wire.pages import encode_query
from worker.store import (
    EnvironmentRef,
    ExportRequest,
    ImportRequest,
    JobOverview,
    JobRef,
)

Request = TypeVar("Request", ImportRequest, ExportRequest)

ENVIRONMENT_ROUTE: Final = f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}"

#: A record takes a few kilobytes for each chunk and range of its list.
_MOST: Final = 100

Limit = Annotated[
    Int32, Query(ge=1, le=_MOST, description="The largest number of items to return.")
]
TermsOfField = Mapping[str, tuple[ValueKind, Maker[JobOverview[Request]]]]


def terms_of(
    read: Callable[[JobOverview[Request]], str], known: Sequence[str] = (), plural: str = ""
) -> TermsOfField[Request]:
    """The terms that a filter may have about one property of jobs.

    Of one with known values another is refused, as it matches nothing.
    """

    def with_any(texts: Sequence[str]) -> Predicate[JobOverview[Request]]:
        for text in texts if known else ():
            if text not in known:
                raise InvalidRequest(
                    f"filter: there is no such value; {list_known(text, known, plural)}"
                )
        wanted = frozenset(texts)
        return lambda overview: read(overview) in wanted

    return {
        "equals": (ValueKind.TEXT_OR_TEXTS, with_any),
        "anyOf": (ValueKind.TEXTS, with_any),
    }


def encode_filter(filter_: str, period: Period) -> str:
    """The query that names the same jobs, for the links of a page."""
    after, before = period.after_ms, period.before_ms
    return encode_query(
        filter=filter_,
        after="" if after is None else str(after),
        before="" if before is None else str(before),
    )


def visible(
    overviews: Iterable[JobOverview[Request]],
    matches: Predicate[JobOverview[Request]],
    caller: Caller,
) -> list[JobRef]:
    """Those that match and are of segments that the caller may see."""
    found = []
    for overview in overviews:
        ref = overview.request.list_ref
        if matches(overview) and caller.scope.allows(ref.project, ref.environment, ref.segment):
            found.append(overview.request.ref)
    return found


def environment_path(env: EnvironmentRef) -> str:
    """The path of an environment."""
    return f"{environments_path(env.project)}/{env.environment}"


def segment_path(request: ImportRequest | ExportRequest) -> SegmentPath:
    """The path of the segment that a job is of."""
    ref = request.list_ref
    return SegmentPath(ref.project, ref.environment, ref.segment)
