"""``PATCH …/{segmentKey}``: change a segment, one patch after the other.

Choices where LaunchDarkly's behaviour is not documented: concurrent patches are made one
after the other, each from what the one before left; a patch that changes nothing leaves
``version`` and ``lastModifiedDate``; a dry run answers the segment as it would be.
An import that a patch publishes comes last, after everything else has been checked and made:
nothing can take its publication back. It is published by a worker, soon after the answer.
"""

import dataclasses
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.json_values import read_json
from api.errors import Conflict, InvalidRequest
from api.launchdarkly.jobs.representation import JOB_ID
from api.launchdarkly.operations import NO_SEGMENT, WRITE, body, component, operation
from api.launchdarkly.segments.access import access_of
from api.launchdarkly.segments.big_segment_edits import apply_edits, require_absent
from api.launchdarkly.segments.list_states import state_of
from api.launchdarkly.segments.patching import PatchResult, apply_patch
from api.launchdarkly.segments.representation import UserSegment, user_segment
from api.launchdarkly.segments.summaries import (
    edit_actions,
    instructed,
    patched_actions,
    patched_keys,
    segment_summary,
)
from api.launchdarkly.targeting.stored import (
    kept_schedules,
    stored_fields,
    stored_form,
    stored_rules,
)
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import RequireJson, SegmentPathOf
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import (
    Definition,
    DefinitionChange,
    Segment,
    SegmentChanged,
    Store,
    approve_import,
    require_approvable,
)

router = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])

#: A patch is made again each time another one was faster; so many can be.
_TRIES: Final = 20


_PATCHES: Final = ("JsonPatch", "PatchWithComment", "MergePatchWithComment", "BareMergePatch")


@router.patch(
    "/{segmentKey}",
    operation_id="patchSegment",
    response_model=UserSegment,
    dependencies=[RequireJson],
    openapi_extra=body(
        "A JSON patch, a merge patch or a semantic patch.",
        json={"anyOf": [component(name) for name in _PATCHES]},
        semantic=component("SemanticPatch"),
    ),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        Conflict: "A `test` of the patch failed, or the segment keeps changing; read it again, "
        "then try again.",
    },
)
async def patch_segment(
    request: Request,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    *,
    dryRun: Annotated[  # noqa: N803 - the documented name
        bool,
        Query(description="Answer with the segment as it would become, and change nothing."),
    ] = False,
) -> Response:
    """Change a segment by JSON patch, merge patch or semantic patch; all of it or nothing."""
    raw = await request.body()
    content_type = request.headers.get("content-type", "")

    def change() -> Response:
        changed = _patched(raw, content_type, path, services, caller, dry_run=dryRun)
        return _answer(services, changed, caller)

    async with services.patch_turn:
        return await run_in_threadpool(change)


def _patched(
    raw: bytes,
    content_type: str,
    path: SegmentPath,
    services: Services,
    caller: Caller,
    *,
    dry_run: bool,
) -> Definition:
    body = read_json(raw)
    store = services.store()
    edited = False
    for _ in range(_TRIES):
        current = store.segments.read(path.scope, path.segment)
        result = _result(store, current, body, content_type, services, caller)
        if result.import_id is not None:
            require_approvable(store, current.segment.ref, _known(result.import_id))
        if dry_run:
            require_absent(store, current.segment.ref, result.must_be_absent)
            return _would_be(current, result, services.clock())
        if result.edits:
            if apply_edits(store, current.segment.ref, result.edits, result.must_be_absent):
                services.work.reshard(current.segment.ref)
            if not edited:  # made again with every try, but one change
                _record_edits(services, caller, current, result)
            edited = True
        try:
            stored = _stored(store, current, result)
        except SegmentChanged:
            continue
        if result.changed:
            _record_patch(services, caller, current, stored, result)
        if result.import_id is not None:
            _approve(services, caller, stored.segment, result.import_id, result.comment)
        return stored
    raise Conflict(f"segment {path.segment} changes too fast; try again later")


def _approve(
    services: Services, caller: Caller, segment: Segment, import_id: str, comment: str | None
) -> None:
    services.work.work(approve_import(services.store(), segment.ref, import_id))
    audit_segment(
        services,
        caller,
        segment,
        action="processBigSegmentImport",
        verb="approved an import into the segment",
        comment=comment,
        after={"importId": import_id},
    )


def _record_edits(
    services: Services, caller: Caller, current: Definition, result: PatchResult
) -> None:
    edits = instructed(result.edits)
    audit_segment(
        services,
        caller,
        current.segment,
        action=edit_actions(edits),
        verb="edited the lists of the segment",
        comment=result.comment,
        after={"edits": edits},
    )


def _record_patch(
    services: Services, caller: Caller, current: Definition, stored: Definition, result: PatchResult
) -> None:
    segment, document = current.segment, result.document.to_wire()
    before = {
        "name": segment.name,
        "description": segment.description,
        "tags": list(segment.tags),
        **stored_fields(current),
    }
    edits = {} if segment.unbounded else patched_keys(before, document)
    audit_segment(
        services,
        caller,
        stored.segment,
        action=patched_actions(before, document),
        verb="updated the segment",
        comment=result.comment,
        before=segment_summary(current, None),
        after=segment_summary(stored, None) | ({"edits": edits} if edits else {}),
    )


def _result(
    store: Store,
    current: Definition,
    body: object,
    content_type: str,
    services: Services,
    caller: Caller,
) -> PatchResult:
    scope = current.segment.scope
    before = user_segment(current, state_of(store, current.segment))
    return apply_patch(
        before.model_dump(by_alias=True, exclude_none=True),
        body,
        content_type,
        environment=scope.environment,
        ids=services.ids,
        rules_of=lambda key: stored_rules(store, scope, key),
        may_know=lambda key: caller.scope.allows(scope.project, scope.environment, key),
    )


def _known(import_id: str) -> str:
    """An id that an import may have; anything else is not looked for."""
    if JOB_ID.fullmatch(import_id) is None:
        raise InvalidRequest(f"instructions: import {import_id[:80]} does not exist")
    return import_id


def _stored(store: Store, current: Definition, result: PatchResult) -> Definition:
    if not result.changed:
        return current
    document = result.document
    targeting = stored_form(document.targeting)
    change = DefinitionChange(
        document.name,
        document.description,
        document.tags,
        targeting,
        schedules=kept_schedules(current, document.targeting),
    )
    return _definition(store.segments.update(current.segment, change), targeting)


def _would_be(current: Definition, result: PatchResult, now_ms: int) -> Definition:
    if not result.changed:
        return current
    document, segment = result.document, current.segment
    targeting = stored_form(document.targeting)
    changed = dataclasses.replace(
        segment,
        name=document.name,
        description=document.description,
        tags=document.tags,
        version=segment.version + 1,
        modified_ms=now_ms,
        targeted=targeting is not None,
    )
    return _definition(changed, targeting)


def _definition(segment: Segment, targeting: str | None) -> Definition:
    return Definition(segment, None if targeting is None else targeting.encode())


def _answer(services: Services, definition: Definition, caller: Caller) -> Response:
    segment = user_segment(definition, state_of(services.store(), definition.segment))
    segment.access = access_of(caller, definition.segment)
    return shown(segment)
