"""Every route says what its callers need, and one that does not is never served."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access.auth import Caller, Role
from api.access.permissions import (
    Need,
    PathNames,
    UndeclaredPermission,
    declare_need,
    flat_routes,
    need_of,
    permission_check,
    require_declared,
)
from api.access.scope import EVERYTHING
from api.errors import Forbidden
from api.launchdarkly import application as launchdarkly
from api.main import build_app
from api.settings import ApiSettings
from api.vercel import application as vercel

#: Asked with a body, and change nothing.
_QUESTIONS = {
    "getContextInstanceSegmentsMembershipByEnv",
    "evaluateFlagSegments",
    "postAuditLogEntries",
    "lookUpSegmentMemberships",
    "postFlagMetrics",  # drops what it is sent
    "postSdkEvents",  # so do these
    "postSdkDiagnostics",
}
#: Refuses every request, so that any caller may make it.
_REFUSED = "/api/v2/approval-requests/projects/{projectKey}/settings"


def _applications() -> Any:
    front = build_app(ApiSettings.model_validate({"redis_url": "redis://127.0.0.1:9/0"}))
    rest = front._rest  # type: ignore[attr-defined]  # the front's
    return rest.applications.values()


def _routes() -> Iterator[APIRoute]:
    return (route for route in _all_routes() if isinstance(route, APIRoute))


def _all_routes() -> Iterator[BaseRoute]:
    for application in _applications():
        yield from flat_routes(application.routes)


def test_application__every_route__declares_a_need_of_a_token() -> None:
    needs = {
        f"{getattr(route, 'methods', '')} {getattr(route, 'path', '')}": need_of(route)
        for route in _all_routes()
    }

    assert len(needs) > 40
    assert [what for what, need in needs.items() if need is None or need.role is None] == []


@pytest.mark.parametrize("dialect", [launchdarkly, vercel], ids=lambda one: str(one.__name__))
def test_application__route_that_declares_nothing__does_not_start(
    monkeypatch: pytest.MonkeyPatch, dialect: Any
) -> None:
    undeclared = APIRouter(prefix="/api/v2")

    @undeclared.delete("/forgotten/{key}")
    def delete_forgotten(key: str) -> None:
        del key

    monkeypatch.setattr(dialect, "_ROUTERS", (*dialect._ROUTERS, undeclared))

    with pytest.raises(UndeclaredPermission, match=r"^DELETE /api/v2/forgotten/\{key\} declares"):
        _applications()


def test_require_declared__plain_route_or_mounted_application__is_refused_too() -> None:
    async def page(request: Request) -> Response:
        return Response(request.url.path)

    app = FastAPI(openapi_url=None)
    app.add_route("/page", page, methods=["GET"])
    with pytest.raises(UndeclaredPermission, match="GET, HEAD /page declares no permission"):
        require_declared(app.routes)

    declare_need(page, Need(Role.READER))
    require_declared(app.routes)

    app.mount("/inside", FastAPI())
    with pytest.raises(UndeclaredPermission, match="any method /inside declares no permission"):
        require_declared(app.routes)


def test_permission_check__route_that_declares_nothing__is_forbidden_to_every_caller() -> None:
    check = permission_check(PathNames("project", "environment", "segment"))
    route = APIRoute("/page", lambda: None)
    admin = Caller("an admin", "admin", Role.ADMIN, EVERYTHING)
    scope = {"type": "http", "route": route, "path_params": {}, "state": {"caller": admin}}

    with pytest.raises(Forbidden):
        asyncio.run(check(Request(scope)))

    declare_need(route.endpoint, Need(Role.ADMIN, whole=True))
    asyncio.run(check(Request(scope)))


def test_application__what_changes_something__is_for_no_reader() -> None:
    for route in _routes():
        if {"GET", "HEAD"} & (route.methods or set()) or route.operation_id in _QUESTIONS:
            continue
        need = need_of(route)
        assert need is not None
        assert need.role is not None
        assert (need.role > Role.READER) is (route.path != _REFUSED), route.path
