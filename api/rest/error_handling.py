"""Turns whatever handlers and the framework raise into refusals."""

from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.bodies.faults import request_refusal
from api.bodies.media_types import compressed_refusal
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
from api.http.dialects import Dialect
from api.http.refusals import error_headers
from api.http.routes import RouteTable, allowed_methods
from api.services.services import Services
from worker.objects import ObjectError
from worker.store import StoreError

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMediaType,
}
_MESSAGES: Final = {404: "invalid resource identifier", 405: "method not allowed"}
_REFUSED: Final = (ApiError, StoreError, ObjectError, RequestValidationError, HTTPException)


def handle_errors(app: FastAPI, dialect: Dialect, routes: RouteTable) -> None:
    """Make the application answer every error with a refusal.

    Args:
        app: whose errors.
        dialect: words the refusals.
        routes: say which methods a path takes.
    """

    async def refuse(request: Request, exc: Exception) -> Response:
        services: Services = request.app.state.services
        error, error_id = _unread_body(request, exc) or _to_api_error(exc), services.ids()
        log_refusal(error, error_id)
        headers = {name.decode(): value.decode() for name, value in error_headers(error)}
        if isinstance(exc, HTTPException):
            headers |= dict(exc.headers or {})
            methods = routes.methods_of(request.scope["raw_path"])
            if allow := allowed_methods(methods):  # the framework names one route's
                headers["Allow"] = allow
        return _response(dialect.render_error(error, error_id), error.status, headers)

    async def report(request: Request, exc: Exception) -> Response:
        """Answer an error that nothing else handles; the framework then raises it to the front."""
        services: Services = request.app.state.services
        error_id = services.ids()
        log_failure(exc, error_id)
        return _response(dialect.render_error(BROKEN, error_id), BROKEN.status, {})

    for kind in _REFUSED:
        app.exception_handler(kind)(refuse)
    app.exception_handler(Exception)(report)


def _response(body: bytes, status: int, headers: dict[str, str]) -> Response:
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _unread_body(request: Request, exc: Exception) -> ApiError | None:
    """The refusal of a compressed body: the framework reads JSON before anything looks at it."""
    is_unread = isinstance(exc, HTTPException) and exc.status_code == InvalidRequest.status
    if is_unread or isinstance(exc, RequestValidationError):
        return compressed_refusal(request)
    return None


def _to_api_error(exc: Exception) -> ApiError:
    match exc:
        case ApiError():
            return exc
        case StoreError() | ObjectError():
            return translate_error(exc)
        case RequestValidationError():
            return request_refusal(exc)
        case HTTPException():
            message = _MESSAGES.get(exc.status_code, str(exc.detail))
            return _BY_STATUS.get(exc.status_code, Broken)(message)
        case _:
            return BROKEN
