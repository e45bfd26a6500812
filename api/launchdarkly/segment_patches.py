"""``PATCH …/{segmentKey}``: change a segment, one patch after the other.

Choices where LaunchDarkly's behaviour is not documented: concurrent patches are made one
after the other, each from what the one before left; a patch that changes nothing leaves
``version`` and ``lastModifiedDate``; a dry run answers the segment as it would be.
"""

import dataclasses
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict, InvalidRequest
from api.launchdarkly.big_segment_edits import apply_edits, require_absent
from api.launchdarkly.json_values import read_json
from api.launchdarkly.list_states import state_of
from api.launchdarkly.patching import PatchResult, apply_patch
from api.launchdarkly.paths import SegmentPath
from api.launchdarkly.requests import RequireJson, SegmentPathOf
from api.launchdarkly.responses import shown
from api.launchdarkly.shapes import UserSegment, user_segment
from api.launchdarkly.stored_targeting import stored_form, stored_rules
from api.services import Services, ServicesOf
from worker.store import Definition, DefinitionChange, Segment, SegmentChanged, Store

#: A patch is made anew each time another one was faster; so many can be.
_TRIES: Final = 20


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])
    routes.patch(
        "/{segmentKey}",
        operation_id="patchSegment",
        response_model=UserSegment,
        response_model_exclude_none=True,
        dependencies=[RequireJson],
    )(patch_segment)
    return routes


async def patch_segment(
    request: Request,
    path: SegmentPathOf,
    services: ServicesOf,
    *,
    dryRun: Annotated[bool, Query()] = False,  # noqa: N803 - the documented name
) -> Response:
    """Change a segment by JSON patch, merge patch or semantic patch; all of it or nothing."""
    raw = await request.body()
    content_type = request.headers.get("content-type", "")
    return await run_in_threadpool(_patch, raw, content_type, path, services, dry_run=dryRun)


def _patch(
    raw: bytes, content_type: str, path: SegmentPath, services: Services, *, dry_run: bool
) -> Response:
    body = read_json(raw)
    store = services.store()
    for _ in range(_TRIES):
        current = store.segments.read(path.scope, path.segment)
        result = _result(store, current, body, content_type, services)
        if dry_run:
            require_absent(store, current.segment.ref, result.must_be_absent)
            return _answer(store, _would_be(current, result, services.clock()))
        if result.edits and apply_edits(
            store, current.segment.ref, result.edits, result.must_be_absent
        ):
            services.work.reshard(current.segment.ref)
        try:
            return _answer(store, _stored(store, current, result))
        except SegmentChanged:
            continue
    raise Conflict(f"segment {path.segment} changes too fast; try again later")


def _result(
    store: Store, current: Definition, body: object, content_type: str, services: Services
) -> PatchResult:
    scope = current.segment.scope
    before = user_segment(current, state_of(store, current.segment))
    result = apply_patch(
        before.model_dump(by_alias=True, exclude_none=True),
        body,
        content_type,
        environment=scope.environment,
        ids=services.ids,
        rules_of=lambda key: stored_rules(store, scope, key),
    )
    if result.import_id is not None:
        message = f"instructions: import {result.import_id[:80]} does not wait for an approval"
        raise InvalidRequest(message)
    return result


def _stored(store: Store, current: Definition, result: PatchResult) -> Definition:
    if not result.changed:
        return current
    document = result.document
    targeting = stored_form(document.targeting)
    change = DefinitionChange(document.name, document.description, document.tags, targeting)
    return _definition(store.segments.update(current.segment, change), targeting)


def _would_be(current: Definition, result: PatchResult, now_ms: int) -> Definition:
    if not result.changed:
        return current
    document, segment = result.document, current.segment
    changed = dataclasses.replace(
        segment,
        name=document.name,
        description=document.description,
        tags=document.tags,
        version=segment.version + 1,
        modified_ms=now_ms,
    )
    return _definition(changed, stored_form(document.targeting))


def _definition(segment: Segment, targeting: str | None) -> Definition:
    return Definition(segment, None if targeting is None else targeting.encode())


def _answer(store: Store, definition: Definition) -> Response:
    return shown(user_segment(definition, state_of(store, definition.segment)))
