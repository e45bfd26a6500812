"""``/flag-data``: the flags of an environment, replaced and read whole.

LaunchDarkly has no such operation: with it, SDKs evaluate against bigseg alone.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_in_environment
from api.bodies.models import json_response
from api.errors import InvalidRequest, PreconditionFailed
from api.http.entity_tags import is_named
from api.launchdarkly.flag_data.documents import FlagDocument, Wanted
from api.launchdarkly.flag_data.flags import read_flags
from api.launchdarkly.flag_data.models import FlagDataDocument, FlagDataSummary, summarise
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.bodies import read_body
from api.rest.operations import WHOLE_READ, WHOLE_WRITE, component, document_body, operation
from api.rest.preconditions import IfMatch, describe_tagged, require_tag
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import (
    EnvironmentRef,
    FlagData,
    Store,
    Summary,
    retry_on_change,
)

router = APIRouter(prefix=f"{PREFIX}/flag-data/{{projectKey}}/{{environmentKey}}", tags=["SDKs"])

_ACTION: Final = "updateFlagData"
_TAGGED: Final = describe_tagged("flags")
#: The tag before there were any flags.
_NONE_TAG: Final = '"0"'
_MOST_NAMED: Final = 100


@router.get(
    "",
    operation_id="getFlagData",
    response_model=FlagDataDocument,
    responses={200: _TAGGED, 304: {"description": "The caller has this state of the flags."}},
)
@operation(needs=WHOLE_READ, refuses=NO_ENVIRONMENT)
def get_flag_data(
    env: EnvironmentRefOf,
    services: ServicesOf,
    if_none_match: Annotated[
        str,
        Header(alias="If-None-Match", description="The `ETag` of the flags that the caller has."),
    ] = "",
) -> Response:
    """Get the flags that SDKs evaluate with; none before they were first put.

    The version of each is bigseg's own: SDKs are sent it, and it rises with each change.
    """
    store = services.store()
    store.environments.require(env)

    def read() -> tuple[FlagData | None, bytes | None]:
        state = store.flag_data.find(env)
        if state is None or is_named(_tag(state), if_none_match):
            return state, None
        return state, store.flag_data.read(env, state)

    state, text = retry_on_change(_name(env), read)
    headers = {"ETag": _tag(state)}
    if is_named(_tag(state), if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(text or FlagDocument({}).text(), media_type="application/json", headers=headers)


@router.put(
    "",
    operation_id="putFlagData",
    response_model=FlagDataSummary,
    responses={200: _TAGGED},
    dependencies=[RequireJson],
    openapi_extra=document_body("The flags.", json=component(FlagDataDocument.__name__)),
)
@operation(
    needs=WHOLE_WRITE,
    refuses={
        **NO_ENVIRONMENT,
        InvalidRequest: "A flag is not as SDKs take it; the message says where.",
        PreconditionFailed: "The flags are not in the state of `If-Match`.",
    },
)
async def put_flag_data(
    request: Request,
    env: EnvironmentRefOf,
    services: ServicesOf,
    caller: CallerOf,
    if_match: IfMatch = None,
) -> Response:
    """Replace the flags that SDKs evaluate with, which are in the form in which SDKs hold them.

    SDKs that are connected have the change within a second. A flag that is the same as before
    keeps its version; any other gets one of bigseg's own, whatever it says. Fields that an SDK
    requires are filled in, and those that none reads are kept, unless they are null.
    """
    raw = await read_body(request)

    def put() -> Response:
        wanted = Wanted.of(read_flags(raw))
        change = retry_on_change(
            _name(env), lambda: _replace(services.store(), env, wanted, if_match)
        )
        _record(services, caller, env, change)
        unknown = _unknown_segments(services.store(), env, wanted)
        shown = summarise(env, change.after, changed=change.count, unknown=unknown)
        response = json_response(shown)
        response.headers["ETag"] = _tag(change.after)
        return response

    async with services.patch_turn:
        return await run_in_threadpool(put)


@dataclass(frozen=True, slots=True)
class _Change:
    before: FlagData | None
    after: FlagData | None
    count: int
    """Flags that are new, other ones than before, or gone."""


def _unknown_segments(store: Store, env: EnvironmentRef, wanted: Wanted) -> list[str]:
    """Segments that the flags name and that are not there; the first hundred."""
    if not wanted.segments:
        return []
    there = {segment.key for segment in store.segments.read_all(env)}
    return sorted(wanted.segments - there)[:_MOST_NAMED]


def _replace(store: Store, env: EnvironmentRef, wanted: Wanted, if_match: str | None) -> _Change:
    store.environments.require(env)
    state = store.flag_data.find(env)
    require_tag(_tag(state), if_match, _name(env))
    before = FlagDocument({})
    if state is not None:
        before = FlagDocument.parse(store.flag_data.read(env, state))
    after = before.replaced_by(wanted.flags, 1 if state is None else state.number + 1)
    changed = before.changes_to(after)
    if not changed:
        return _Change(state, state, 0)
    text = after.text()
    written = store.flag_data.replace(env, state, text, flags=len(after.flags))
    return _Change(state, written, changed)


def _tag(state: FlagData | None) -> str:
    return _NONE_TAG if state is None else f'"{state.revision}"'


def _name(env: EnvironmentRef) -> str:
    return f"flag data of environment {env.environment}"


def _record(services: Services, caller: Caller, env: EnvironmentRef, change: _Change) -> None:
    if not change.count:
        return
    audit_in_environment(
        services,
        caller,
        env,
        action=_ACTION,
        verb="replaced the flag data of the environment",
        before=_summary(change.before),
        after={**(_summary(change.after) or {}), "changed": change.count},
    )


def _summary(state: FlagData | None) -> Summary | None:
    if state is None:
        return None
    return {"flags": state.flags, "sizeBytes": state.size, "revision": state.revision}
