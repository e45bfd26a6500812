"""The audit log: list, search, read one entry, count.

Choices where LaunchDarkly's behaviour is not documented: times are exclusive; ``q`` is
searched, ignoring case, in the sentence (actor, verb, name), the resource and the comment; a
page of a search may be shorter than its limit, or empty, and still have a ``next``, because one
request reads a bounded part of the log.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from api.bodies.models import Int32, Int64, json_response
from api.errors import InvalidRequest, NotFound
from api.launchdarkly.audit.models import (
    AUDIT_LOG,
    AuditLogCounts,
    AuditLogEntryDetail,
    AuditLogPage,
    CountBucket,
    account_id,
    represent_entry,
    represent_in_list,
)
from api.launchdarkly.audit.selection import (
    Selection,
    Statement,
    StatementBody,
    check_statements,
    parse_spec,
)
from api.launchdarkly.wire.links import link
from api.launchdarkly.wire.pages import encode_query
from api.rest.operations import FULL_ADMIN, operation
from api.rest.requests import RequireJson
from api.services.services import Services, ServicesOf
from worker.store import AuditEntry, Position, Store

router = APIRouter(prefix=AUDIT_LOG, tags=["Audit log"])

#: Entries that one request for a page reads: as many as one environment keeps by default.
MOST_READ: Final = 10_000
#: Entries that one request counts.
MOST_COUNTED: Final = 100_000

_LATEST: Final = 2**53

_ENTRY_ID: Final = (
    "([A-Za-z0-9._-]{1,256}:[A-Za-z0-9._-]{1,256}:)?(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})"
)


def _document_pattern(pattern: str) -> dict[str, Any]:
    """Document a pattern without enforcing it: the handler's refusal says more."""
    return {"pattern": f"^{pattern}$"}


_BEFORE: Final = Query(
    ge=0, le=_LATEST, description="Only changes made before this time, in Unix milliseconds."
)
_AFTER: Final = Query(
    ge=0, le=_LATEST, description="Only changes made after this time, in Unix milliseconds."
)
Before = Annotated[Int64 | None, _BEFORE]
Members = Annotated[
    list[str] | None,
    Query(
        max_length=50,
        description="Only changes by these members; there are no members, so this finds nothing.",
    ),
]
Tokens = Annotated[
    list[str] | None,
    Query(max_length=50, description="Only changes by these access tokens, by their ids."),
]
Statements = list[StatementBody]


class PageQuery(BaseModel):
    """The parameters of a page."""

    model_config = ConfigDict(frozen=True)

    before: int | None
    after: int | None
    q: str
    limit: int
    member: tuple[str, ...]
    token: tuple[str, ...]
    older_than: str


def page_query(
    before: Before = None,
    after: Annotated[Int64 | None, _AFTER] = None,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="A text that the resource, the comment or the sentence of actor, verb and "
            "name must contain, ignoring case.",
        ),
    ] = "",
    limit: Annotated[
        Int32, Query(ge=1, le=20, description="The largest number of items to return.")
    ] = 10,
    member: Members = None,
    token: Tokens = None,
    olderThan: Annotated[  # noqa: N803 - as in our own links
        str,
        Query(
            max_length=600,
            description="Only changes that come after this one in the list, by its id; links to "
            "the next page set it.",
            json_schema_extra=_document_pattern(f"({_ENTRY_ID})?"),
        ),
    ] = "",
) -> PageQuery:
    """The parameters that listing and searching share."""
    return PageQuery(
        before=before,
        after=after,
        q=q.strip(),
        limit=limit,
        member=tuple(member or ()),
        token=tuple(token or ()),
        older_than=olderThan,
    )


PageQueryOf = Annotated[PageQuery, Depends(page_query)]


@router.get("", operation_id="getAuditLogEntries", response_model=AuditLogPage)
@operation(needs=FULL_ADMIN)
def list_entries(
    query: PageQueryOf,
    services: ServicesOf,
    *,
    spec: Annotated[
        str, Query(description="A resource specifier: only changes of resources that it matches.")
    ] = "",
) -> Response:
    """List changes, newest first."""
    selection = _select(query, parse_spec(spec))
    return _respond(services, query, selection, encode_query(spec=spec))


@router.post(
    "",
    operation_id="postAuditLogEntries",
    response_model=AuditLogPage,
    dependencies=[RequireJson],
)
@operation(needs=FULL_ADMIN)
def search_entries(
    query: PageQueryOf,
    services: ServicesOf,
    statements: Annotated[Statements | None, Body()] = None,
) -> Response:
    """List the changes that a policy selects, newest first; without statements, all changes."""
    return _respond(services, query, _select(query, check_statements(statements or [])), "")


@router.get("/{id}", operation_id="getAuditLogEntry", response_model=AuditLogEntryDetail)
@operation(needs=FULL_ADMIN, refuses={NotFound: "The entry does not exist, or is no longer kept."})
def get_entry(
    id: Annotated[  # noqa: A002 - the documented name
        str, Path(description="The entry's id.", json_schema_extra=_document_pattern(_ENTRY_ID))
    ],
    services: ServicesOf,
) -> Response:
    """Get one change, with summaries of the resource before and after it."""
    entry = services.store().audit.get(id)
    return json_response(represent_entry(entry, account_id(services.settings.key_prefix)))


@router.post(
    "/counts",
    operation_id="postAuditLogEntryCounts",
    response_model=AuditLogCounts,
    dependencies=[RequireJson],
)
@operation(needs=FULL_ADMIN)
def count_entries(
    after: Annotated[Int64, _AFTER],
    statements: Annotated[Statements, Body()],
    services: ServicesOf,
    before: Before = None,
    buckets: Annotated[
        Int32, Query(ge=1, le=500, description="The number of intervals to count in.")
    ] = 50,
    member: Members = None,
    token: Tokens = None,
) -> Response:
    """Count the changes between two times, in intervals of equal length."""
    end = services.clock() if before is None else before
    if end <= after:
        raise InvalidRequest("after: it must be earlier than before")
    selection = Selection(
        check_statements(statements), tokens=frozenset(token or ()), members=frozenset(member or ())
    )
    interval_ms = -(-(end - after) // buckets)
    counts = [0] * -(-(end - after) // interval_ms)
    found = _read_newest(services.store(), selection, before_ms=end, after_ms=after)
    for seen, entry in enumerate(found):
        if seen == MOST_COUNTED:
            message = f"after: over {MOST_COUNTED:,} changes were made since; ask for less time"
            raise InvalidRequest(message)
        if selection.selects(entry):
            counts[(entry.position.at_ms - after) // interval_ms] += 1
    return json_response(
        AuditLogCounts(
            buckets=[
                CountBucket(timestamp=after + position * interval_ms, count=count)
                for position, count in enumerate(counts)
            ],
            total_count=sum(counts),
            bucket_interval_ms=interval_ms,
        )
    )


def _select(query: PageQuery, statements: Sequence[Statement]) -> Selection:
    return Selection(
        tuple(statements), query.q, tokens=frozenset(query.token), members=frozenset(query.member)
    )


def _respond(services: Services, query: PageQuery, selection: Selection, spec: str) -> Response:
    older_than = _parse_position(query.older_than)
    entries, more = _read_page(services.store(), query, selection, older_than)
    account = account_id(services.settings.key_prefix)
    repeated = spec + encode_query(
        before="" if query.before is None else str(query.before),
        after="" if query.after is None else str(query.after),
        q=query.q,
    )
    repeated += "".join(encode_query(member=member) for member in query.member)
    repeated += "".join(encode_query(token=token) for token in query.token)
    here = f"{AUDIT_LOG}?{repeated}limit={query.limit}"
    at = f"&{encode_query(olderThan=query.older_than)}".rstrip("&")
    links = {"self": link(here + at)}
    if more is not None:
        links["next"] = link(f"{here}&{encode_query(olderThan=more.id)}".rstrip("&"))
    items = [represent_in_list(entry, account) for entry in entries]
    return json_response(AuditLogPage(items=items, links=links))


def _read_page(
    store: Store, query: PageQuery, selection: Selection, older_than: Position | None
) -> tuple[list[AuditEntry], AuditEntry | None]:
    """A page of entries, and the last one read if there may be more."""
    page: list[AuditEntry] = []
    found = _read_newest(
        store, selection, before_ms=query.before, after_ms=query.after, older_than=older_than
    )
    for seen, entry in enumerate(found, 1):
        if selection.selects(entry):
            if len(page) == query.limit:
                return page, page[-1]
            page.append(entry)
        if seen == MOST_READ:
            return page, entry
    return page, None


def _read_newest(
    store: Store,
    selection: Selection,
    *,
    before_ms: int | None,
    after_ms: int | None,
    older_than: Position | None = None,
) -> Iterator[AuditEntry]:
    envs = [env for env in store.environments.list_refs() if selection.reaches_into(env)]
    return store.audit.newest(
        [None, *envs], before_ms=before_ms, after_ms=after_ms, older_than=older_than
    )


def _parse_position(text: str) -> Position | None:
    if not text:
        return None
    try:
        return Position.parse(text)
    except ValueError as exc:
        raise InvalidRequest("olderThan: not the id of an entry") from exc
