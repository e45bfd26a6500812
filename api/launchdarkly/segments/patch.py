"""``PATCH …/{segmentKey}``: change a segment.

Choices where LaunchDarkly's behaviour is not documented: concurrent patches are applied one after
the other, each to the result of the one before; a patch that changes nothing leaves ``version``
and ``lastModifiedDate`` as they are; a dry run answers with the segment as it would be.
An import is approved last, after everything else is checked and stored, because its publication
cannot be undone. A worker publishes it soon after the answer.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.json_values import read_json
from api.errors import Conflict, InvalidRequest
from api.jobs.records import JOB_ID
from api.launchdarkly.operations import NO_SEGMENT, SEMANTIC_PATCH
from api.launchdarkly.segments.access_field import describe_access
from api.launchdarkly.segments.apply_patch import PatchResult, apply_patch
from api.launchdarkly.segments.audit_entries import record_list_edits, record_patch
from api.launchdarkly.segments.instructions.list_edits import apply_edits, require_absent
from api.launchdarkly.segments.references import OtherSegments
from api.launchdarkly.segments.representation import (
    UserSegment,
    read_state,
    represent,
    segment_response,
)
from api.launchdarkly.targeting.stored import change_to, read_rules
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENTS_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import WRITE, component, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import (
    Definition,
    Segment,
    approve_import,
    require_approvable,
    retry_on_change,
)

router = APIRouter(prefix=SEGMENTS_ROUTE, tags=["Segments"])


_PATCHES: Final = ("JsonPatch", "PatchWithComment", "MergePatchWithComment", "BareMergePatch")


@router.patch(
    "/{segmentKey}",
    operation_id="patchSegment",
    response_model=UserSegment,
    dependencies=[RequireJson],
    openapi_extra=document_body(
        "A JSON patch, a merge patch or a semantic patch.",
        json={"anyOf": [component(name) for name in _PATCHES]},
        others={SEMANTIC_PATCH: component("SemanticPatch")},
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
        Query(description="Answer with the segment as it would be, and change nothing."),
    ] = False,
) -> Response:
    """Change a segment by JSON patch, merge patch or semantic patch; all of it or nothing."""
    raw = await request.body()
    content_type = request.headers.get("content-type", "")

    def answer() -> Response:
        patch = _Patch(services, caller, path, read_json(raw), content_type)
        return _respond(services, patch.preview() if dryRun else patch.store(), caller)

    async with services.patch_turn:
        return await run_in_threadpool(answer)


@dataclass(frozen=True, slots=True)
class _Patch:
    """One request to change a segment."""

    services: Services
    caller: Caller
    path: SegmentPath
    body: object
    content_type: str

    def preview(self) -> Definition:
        """The segment as the patch would leave it; nothing is stored."""
        current, result = self._apply()
        require_absent(self.services.store(), current.segment.ref, result.must_be_absent)
        if not result.changed:
            return current
        change = change_to(result.document, current)
        segment = dataclasses.replace(
            current.segment,
            name=change.name,
            description=change.description,
            tags=change.tags,
            version=current.segment.version + 1,
            modified_ms=self.services.clock(),
            targeted=change.targeting is not None,
        )
        return _definition(segment, change.targeting)

    def store(self) -> Definition:
        """Apply the patch and store the segment."""
        recorded = False

        def attempt() -> Definition:
            nonlocal recorded
            current, result = self._apply()
            if result.edits:  # repeated by every attempt, recorded once
                self._edit_lists(current.segment, result, record=not recorded)
                recorded = True
            stored = self._store_definition(current, result)
            if result.changed:
                record_patch(self.services, self.caller, current, stored, result)
            if result.import_id is not None:
                self._approve(stored.segment, result.import_id, result.comment)
            return stored

        return retry_on_change(f"segment {self.path.segment}", attempt)

    def _apply(self) -> tuple[Definition, PatchResult]:
        store, env = self.services.store(), self.path.env
        allows = self.caller.scope.allows
        current = store.segments.read(env, self.path.segment)
        result = apply_patch(
            represent(current, read_state(store, current.segment)),
            self.body,
            self.content_type,
            environment=env.environment,
            ids=self.services.ids,
            others=OtherSegments(
                read_rules=lambda key: read_rules(store, env, key),
                may_see=lambda key: allows(env.project, env.environment, key),
            ),
        )
        if result.import_id is not None:
            if JOB_ID.fullmatch(result.import_id) is None:
                message = f"instructions: import {result.import_id[:80]} does not exist"
                raise InvalidRequest(message)
            require_approvable(store, current.segment.ref, result.import_id)
        return current, result

    def _edit_lists(self, segment: Segment, result: PatchResult, *, record: bool) -> None:
        store = self.services.store()
        added = [key for edit in result.edits if edit.action == "add" for key in edit.keys]
        store.erased_keys.lift(segment.env, segment.context_kind, added)
        if apply_edits(store, segment.ref, result.edits, result.must_be_absent):
            self.services.work.reshard(segment.ref)
        if record:
            record_list_edits(self.services, self.caller, segment, result.edits, result.comment)

    def _store_definition(self, current: Definition, result: PatchResult) -> Definition:
        if not result.changed:
            return current
        change = change_to(result.document, current)
        segment = self.services.store().segments.update(current.segment, change)
        return _definition(segment, change.targeting)

    def _approve(self, segment: Segment, import_id: str, comment: str | None) -> None:
        services = self.services
        services.work.work(approve_import(services.store(), segment.ref, import_id))
        audit_segment(
            services,
            self.caller,
            segment,
            action="processBigSegmentImport",
            verb="approved an import into the segment",
            comment=comment,
            after={"importId": import_id},
        )


def _definition(segment: Segment, targeting: str | None) -> Definition:
    return Definition(segment, None if targeting is None else targeting.encode())


def _respond(services: Services, definition: Definition, caller: Caller) -> Response:
    state = read_state(services.store(), definition.segment)
    access = describe_access(caller, definition.segment)
    return segment_response(represent(definition, state, _access=access))
