"""Starting imports and exports of an attached list, and attaching the list that they need."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.jobs.starting import Start
from api.jobs.uploads.place import UploadPlace
from api.services.services import Services
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.paths import ListPath
from api.vercel.wire.project_bounds import project_bounds
from worker.store import (
    ListRef,
    Store,
    StoreError,
    Summary,
    attach_list,
    detach_list,
)


def list_start(
    services: Services,
    caller: Caller,
    path: ListPath,
    ref: ListRef,
    key: str | None,
    respond: Callable[[str], Response],
    *,
    is_new: bool = False,
) -> Start:
    """The start of a job of an attached list; see :class:`Start`."""

    def record(action: str, verb: str, after: Summary) -> None:
        audit_list(services, caller, path, action, verb, after)

    return Start(
        services, caller, ref, key, respond, record, path.owner, has_excluded=False, is_new=is_new
    )


def upload_place(path: ListPath) -> UploadPlace:
    """The direct uploads for a list, which may not be attached yet."""
    segment = path.segment
    return UploadPlace(path.env, segment.id, f"{segment.id}/{path.name}", f"{path.href}/uploads")


@asynccontextmanager
async def attached(services: Services, path: ListPath) -> AsyncIterator[tuple[ListRef, bool]]:
    """Attach the list of an import, if the segment has none there yet; whether it had none.

    If it was attached for this request and the request is refused, it is detached again, unless
    another import has begun meanwhile.

    Raises:
        SegmentNotFound: the segment is deleted.
        TooManyLists: or TooManySegments: there is no room for another one.
    """
    ref, is_new = await run_in_threadpool(_attach, services, path)
    try:
        yield ref, is_new
    except BaseException as exc:
        if is_new:
            try:
                # Shielded: a client that goes away must leave nothing behind.
                await asyncio.shield(run_in_threadpool(_detach_unused, services, path, ref))
            except StoreError as failed:
                exc.add_note(f"and an empty list was left attached: {failed}")
        raise


def _attach(services: Services, path: ListPath) -> tuple[ListRef, bool]:
    name, bounds = str(path.name), project_bounds(services.settings)
    title = f"{path.segment.slug} ({name})"
    made, is_new = attach_list(services.store(), path.project, path.segment.id, name, title, bounds)
    return made.ref, is_new


def _detach_unused(services: Services, path: ListPath, ref: ListRef) -> None:
    store = services.store()
    if not _is_used(store, ref):
        bounds = project_bounds(services.settings)
        detach_list(store, path.project, path.segment.id, str(path.name), bounds)


def _is_used(store: Store, ref: ListRef) -> bool:
    """Whether an import into the list has begun, or was begun before."""
    return store.memberships.state(ref).building is not None or bool(store.imports.newest(ref))
