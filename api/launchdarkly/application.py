"""The REST application: LaunchDarkly's routes, refusals in its words, and its document."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.bodies.faults import PREFIX
from api.errors import (
    BROKEN,
    ApiError,
    Broken,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    log_failure,
    log_refusal,
    translate_error,
)
from api.http.metrics import CONTENT_TYPE
from api.http.routes import RouteTable, allowed_methods
from api.launchdarkly import openapi as documents
from api.launchdarkly.audit import routes as audit_log
from api.launchdarkly.evaluations import routes as evaluate
from api.launchdarkly.expiring import routes as expiring_targets
from api.launchdarkly.jobs import downloads as export_downloads
from api.launchdarkly.jobs import exports, imports
from api.launchdarkly.memberships import edits as targets
from api.launchdarkly.operations import require_permission
from api.launchdarkly.projects import absent_resources, environments, projects
from api.launchdarkly.segments import listing as segment_list
from api.launchdarkly.segments import patch as segment_patches
from api.launchdarkly.segments import routes as segments
from api.launchdarkly.tokens import caller_identity
from api.launchdarkly.tokens import routes as tokens
from api.launchdarkly.wire.errors import error_body, error_headers
from api.launchdarkly.wire.requests import require_known_query
from api.services.services import Services, ServicesOf
from worker.objects import ObjectError
from worker.store import StoreError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object]]]

_OF_STATUS: Final[dict[int, type[ApiError]]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMediaType,
}
#: What it says of a whole body, in words for callers who know nothing of Python.
_OF_A_BODY: Final = {
    "missing": "the request has no body: send JSON",
    "model_attributes_type": "the body must be a JSON object",
}
_MESSAGES: Final = {404: "invalid resource identifier", 405: "method not allowed"}


def rest_application(services: Services, lifespan: Lifespan) -> FastAPI:
    """Make the application; it expects the front before it, which authenticates."""
    app = FastAPI(
        title="bigseg",
        summary="Big segments behind the LaunchDarkly Segments API.",
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
        strict_content_type=False,
        redoc_url=None,
        dependencies=[Depends(require_permission), Depends(require_known_query)],
    )
    app.state.services = services
    routes = app.state.routes = RouteTable()
    modules = (
        segments,
        segment_list,
        segment_patches,
        targets,
        expiring_targets,
        imports,
        exports,
        export_downloads,
        projects,
        environments,
        audit_log,
        tokens,
        caller_identity,
        absent_resources,
    )
    for router in (*(module.router() for module in modules), evaluate.router(services)):
        routes.add(router.routes)
        app.include_router(router)
    app.get("/metrics", include_in_schema=False, operation_id="getMetrics")(_metrics)
    routes.add(app.routes)
    app.exception_handler(ApiError)(_refused)
    app.exception_handler(StoreError)(_failed)
    app.exception_handler(ObjectError)(_failed)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_broken)
    documents.install(app)
    return app


async def _metrics(services: ServicesOf) -> Response:
    lookups = services.lookups
    services.metrics.lookup_totals(lookups.pipelines, lookups.asked_again)
    return Response(services.metrics.render(), media_type=CONTENT_TYPE)


def _response(services: Services, error: ApiError, headers: dict[str, str]) -> Response:
    error_id = services.ids()
    log_refusal(error, error_id)
    all_headers = {n.decode(): v.decode() for n, v in error_headers(error)} | headers
    return Response(
        error_body(error, error_id),
        status_code=error.status,
        media_type="application/json",
        headers=all_headers,
    )


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ApiError)  # noqa: S101 - registered for this type
    return _response(request.app.state.services, exc, {})


async def _failed(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, StoreError | ObjectError)  # noqa: S101 - registered for these types
    return _response(request.app.state.services, translate_error(exc), {})


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - registered for this type
    error = InvalidRequest(_first_fault(exc.errors()))
    return _response(request.app.state.services, error, {})


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for this type
    message = _MESSAGES.get(exc.status_code, str(exc.detail))
    error = _OF_STATUS.get(exc.status_code, Broken)(message)
    headers = dict(exc.headers or {})
    routes: RouteTable = request.app.state.routes
    if allow := allowed_methods(routes.methods_of(request.url.path)):  # one route has its own
        headers["Allow"] = allow
    return _response(request.app.state.services, error, headers)


async def _broken(request: Request, exc: Exception) -> Response:
    """Answer what nothing else handled; the front takes the exception itself."""
    services: Services = request.app.state.services
    error_id = services.ids()
    log_failure(exc, error_id)
    return Response(error_body(BROKEN, error_id), status_code=500, media_type="application/json")


def _first_fault(faults: Any) -> str:  # noqa: ANN401 - pydantic's list of dicts
    """Where the first fault is and what it is; never the value, which may be a key."""
    for fault in faults:
        where = ".".join(str(part) for part in fault["loc"] if part != "body")
        said = str(fault["msg"]).removeprefix(PREFIX)
        if where:
            return f"invalid request: {where}: {said}"
        return _OF_A_BODY.get(fault["type"], said)
    return "invalid request"
