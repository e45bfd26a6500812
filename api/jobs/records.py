"""Finding imports and exports by the ids and keys that callers send."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Query

from api.bodies.models import Int64
from api.errors import NotFound
from api.jobs.idempotency import find_started
from worker.store import (
    EnvironmentRef,
    ExportRequest,
    ImportRequest,
    JobIndex,
    JobOverview,
    JobRef,
    JobRequest,
    JobState,
    ListRef,
    Store,
    is_deleted,
)

Request = TypeVar("Request", ImportRequest, ExportRequest)

#: Ids of imports and exports.
JOB_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_LATEST: Final = 2**53

#: Re-shards are imports that the service starts itself; callers do not see them.
_OWN_MODE: Final = "reshard"


@dataclass(frozen=True, slots=True)
class Period:
    """A time, from one moment to another, both exclusive, Unix ms."""

    after_ms: int | None = None
    before_ms: int | None = None


async def parse_period(
    after: Annotated[
        Int64 | None,
        Query(ge=0, le=_LATEST, description="Only those created after this time, Unix ms."),
    ] = None,
    before: Annotated[
        Int64 | None,
        Query(ge=0, le=_LATEST, description="Only those created before this time, Unix ms."),
    ] = None,
) -> Period:
    """The period that a query names."""
    return Period(after, before)


PeriodOf = Annotated[Period, Depends(parse_period)]


def list_overviews(
    index: JobIndex[Request], of: ListRef | EnvironmentRef, period: Period
) -> list[JobOverview[Request]]:
    """The jobs of a list or an environment that were created in a period, newest first."""
    return index.overviews(of, after_ms=period.after_ms, before_ms=period.before_ms)


def find_import(
    store: Store, ref: JobRef, segment: str, owner: str
) -> tuple[ImportRequest, JobState]:
    """Find an import of a segment's list that a caller has started.

    Cost and errors: as :func:`find_job`.
    """
    state = find_job(store, ref, segment, owner)
    request = state.request
    if not isinstance(request, ImportRequest) or request.mode == _OWN_MODE:
        raise NotFound(f"import {ref.job_id} does not exist")
    return request, state


def find_imports(
    store: Store,
    ref: ListRef,
    caller: str,
    key: str | None,
    matches: Callable[[JobOverview[ImportRequest]], bool],
    period: Period,
) -> list[JobRef]:
    """The newest imports into a list, newest first; with a key, only the one that it has started.

    Args:
        store: holds them.
        ref: the list.
        caller: the id of the token that sent the key.
        key: an ``Idempotency-Key``, quoted or bare; nothing else is looked at then.
        matches: which of them.
        period: when they were created.

    Raises:
        Conflict: the request is still under way, and may start one. Safe to retry.
    """
    if key is None:
        found = list_overviews(store.imports, ref, period)
        return [overview.request.ref for overview in found if matches(overview)]
    started = find_started(store, ref, "import", caller, key.strip('"'))
    return [] if started is None else [started]


def find_export(
    store: Store, ref: JobRef, segment: str, owner: str
) -> tuple[ExportRequest, JobState]:
    """Find an export of a segment's list. Cost and errors: as :func:`find_job`."""
    state = find_job(store, ref, segment, owner)
    if not isinstance(state.request, ExportRequest):
        raise NotFound(f"export {ref.job_id} does not exist")
    return state.request, state


def require_list(store: Store, request: JobRequest) -> None:
    """Refuse to show keys of an import or export once its list is deleted: they went with it.

    Without this, whoever creates a segment of the same key could read them.

    Cost: one round trip; one more after the list's record is freed.

    Raises:
        NotFound: the list is deleted.
    """
    if is_deleted(store, request):
        raise NotFound(
            f"the list of {request.ref.kind} {request.ref.job_id} is deleted, and its keys with it"
        )


def find_job(store: Store, ref: JobRef, segment: str, owner: str) -> JobState:
    """Find a job of a segment, which may be deleted, unlike its environment.

    Cost: two round trips.

    Args:
        store: where it is recorded.
        ref: the job; its id is as the caller sent it.
        segment: the key under which the store has the segment.
        owner: what the caller calls it, such as ``segment vip``.

    Raises:
        NotFound: the segment has no such job, or it is no longer kept.
        ProjectNotFound: or EnvironmentNotFound.
    """
    if JOB_ID.fullmatch(ref.job_id) is None:
        raise NotFound(f"{ref.kind} {ref.job_id[:80]} does not exist")
    store.environments.require(ref.env)
    state = store.jobs.get(ref)
    if state.request.list_ref.segment != segment:
        raise NotFound(f"{owner} has no {ref.kind} {ref.job_id}")
    return state
