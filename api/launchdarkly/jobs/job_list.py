"""What the lists of imports and of exports share: filters, pages, and where they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query

from api.access.auth import Caller
from api.bodies.models import Int32
from api.bodies.unknown_names import list_known
from api.errors import InvalidRequest
from api.jobs.records import Period, PeriodOf, Request, list_overviews
from api.launchdarkly.wire.filters import Maker, Predicate, ValueKind
from api.launchdarkly.wire.links import PREFIX, Links, SegmentPath, environments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import Offset
from worker.store import (
    EnvironmentRef,
    ExportRequest,
    ImportRequest,
    JobIndex,
    JobOverview,
    JobRef,
    JobState,
    ListRef,
    Store,
)

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


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs a caller asks for, and which page of them."""

    filter: str
    period: Period
    limit: int
    offset: int
    idempotency_key: str | None = None
    """Only the job that was started with it."""

    def read_page(self, store: Store, refs: Sequence[JobRef]) -> list[JobState]:
        """The records of the page's jobs, out of all that were found."""
        return store.jobs.get_all(refs[self.offset : self.offset + self.limit])

    def links(self, path: str, total: int) -> Links:
        """The links of the page. Args: as for :func:`page_links`."""
        after, before = self.period.after_ms, self.period.before_ms
        query = encode_query(
            filter=self.filter,
            after="" if after is None else str(after),
            before="" if before is None else str(before),
            idempotencyKey=self.idempotency_key or "",
        )
        return page_links(path, query, limit=self.limit, offset=self.offset, total=total)


def query_parser(filter_description: str) -> Callable[..., JobQuery]:
    """Make the dependency that reads the query of a list, with a filter documented like this."""

    def parse(
        period: PeriodOf,
        limit: Limit = 20,
        offset: Offset = 0,
        filter: Annotated[str, Query(description=filter_description)] = "",  # noqa: A002 - the documented name
    ) -> JobQuery:
        """The jobs and the page that a query asks for."""
        return JobQuery(filter, period, limit, offset)

    return parse


def find_visible(
    index: JobIndex[Request],
    of: ListRef | EnvironmentRef,
    query: JobQuery,
    matches: Predicate[JobOverview[Request]],
    caller: Caller,
) -> list[JobRef]:
    """Those of the period that match and are of segments that the caller may see, newest first."""
    found = []
    for overview in list_overviews(index, of, query.period):
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
