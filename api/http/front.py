"""The outermost ASGI application, which every request passes once.

It authenticates, answers look-ups itself, limits bodies, refuses in the dialect's words
and counts. FastAPI does everything else.
"""

import time
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Final

import structlog

from api.access.auth import Caller, TokenAuth
from api.access.refusal_pace import RefusalPace
from api.errors import ApiError, MethodNotAllowed, NotFound, Unauthorized, translate_error
from api.http.asgi import Asgi, Disconnected, Header, Receive, Scope, Send
from api.http.bodies import BodyBounds, is_upload
from api.http.connections.refusals import render_headers
from api.http.connections.uvicorn_protocol import WholeAnswers
from api.http.dialects import Dialects
from api.http.direct import BEGUN, Begun
from api.http.exchange import BodyPace, Exchange, answer
from api.http.health import LIVE_PATH, READY_PATH
from api.http.limits.headers import limit_headers
from api.http.limits.limits import Limits, Standing
from api.http.refuser import Refuser
from api.http.routes import (
    UNKNOWN,
    LookupRoute,
    Question,
    RouteTable,
    allowed_methods,
    answer_options,
    as_get,
    method_of,
    without_body,
)
from api.http.streamed_answer import expect_stream, handed_over
from api.lookups.lookups import Lookups
from api.metrics.metrics import Metrics
from worker.objects import ObjectError
from worker.store import Membership, StoreError

OpenAnswer = Callable[[Scope, Send], Awaitable[None]]
"""Answers a ``GET`` that needs no token."""

_OK: Final = 200
#: Answered also while the store does not answer, with what the process itself knows.
_METRICS_PATH: Final = b"/metrics"
#: Load balancers ask every few seconds.
_UNLOGGED_PATHS: Final = frozenset({LIVE_PATH, READY_PATH})
#: The request target of OPTIONS about the service as a whole.
_EVERYTHING: Final = b"*"

_log = structlog.get_logger(__name__)


class Front:
    """Wraps the REST application; for one event loop."""

    def __init__(
        self,
        rest: Asgi,
        *,
        dialects: Dialects,
        auth: TokenAuth,
        limits: Limits,
        lookups: Lookups,
        lookup_route: LookupRoute,
        silent_paths: Container[bytes],
        sdk_key_paths: Container[str],
        unread_routes: Container[str],
        routes: RouteTable,
        open_paths: Mapping[bytes, OpenAnswer],
        metrics: Metrics,
        max_body_bytes: int,
        body_timeout_s: float,
        ids: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._rest = rest
        self._dialects = dialects
        self._auth = auth
        self._limits = limits
        self._lookups = lookups
        self._lookup_route = lookup_route
        self._silent_paths = silent_paths
        self._sdk_key_paths = sdk_key_paths
        self._unread_routes = unread_routes
        self._routes = routes
        self._open_paths = open_paths
        self._metrics = metrics
        self._body_bounds = BodyBounds(max_body_bytes)
        self._body_timeout_s = body_timeout_s
        self._refuser = Refuser(ids, clock)
        self._whole_answers = WholeAnswers()
        self._refusal_pace = RefusalPace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        begun: Begun | None = scope.get(BEGUN)
        started = time.perf_counter() if begun is None else begun.started_s
        method = scope["method"]
        if method == "HEAD" and self._has_no_head(scope):
            scope, send = as_get(scope), without_body(send)
        question = self._lookup_route.parse_question(scope["raw_path"])
        if question is None or method == "OPTIONS":
            await self._serve(scope, receive, send, started)
        else:
            answered = await self._look_up(scope, question, receive, send)
            seconds = time.perf_counter() - started
            if isinstance(answered, Membership):
                self._metrics.answered(answered.included, seconds)
            else:
                self._metrics.unanswered(answered, seconds)

    def _has_no_head(self, scope: Scope) -> bool:
        """Whether GET stands for it: what answers it has no operation of its own for HEAD."""
        is_open = scope["raw_path"] in self._open_paths
        return is_open or self._routes.name_of("HEAD", scope["raw_path"]) == UNKNOWN

    async def _look_up(
        self, scope: Scope, question: Question, receive: Receive, send: Send
    ) -> Membership | int:
        """Answer a look-up; gives the answer or a status, 0 if the client went away."""
        method, dialect = scope["method"], self._dialects.main
        if method == "POST" and method in self._lookup_route.methods_for(question):
            exchange = Exchange(scope, receive, send, BodyPace(self._body_timeout_s))
            receive, send = exchange.receive, exchange.send
        headers: list[Header] = []
        try:
            key, found = await self._membership(scope, question, receive, headers)
            body = self._lookup_route.render(key, found)
        except ApiError as exc:
            return await self._refuser.refuse(exc, dialect, send, headers)
        except StoreError as exc:
            return await self._refuser.refuse(translate_error(exc), dialect, send, headers)
        except Disconnected:
            return 0
        except Exception as exc:  # noqa: BLE001 - the last handler: nothing may go unanswered
            return await self._refuser.report(exc, dialect, send)
        if not self._whole_answers.write(scope, body, render_headers(headers)):
            await answer(send, _OK, body, headers)
        return found

    async def _membership(
        self, scope: Scope, question: Question, receive: Receive, headers: list[Header]
    ) -> tuple[str, Membership]:
        """Look up a key; leaves in ``headers`` what the answer or the refusal is to hold."""
        route, begun = self._lookup_route, scope.get(BEGUN)
        if begun is not None and begun.error is not None:
            headers += limit_headers(begun.standing)
            raise begun.error
        caller = await self._caller(scope)
        standing = self._count(caller, question) if begun is None else begun.standing
        headers += limit_headers(standing)
        standing.require()
        method, allowed = scope["method"], route.methods_for(question)
        if method not in allowed:
            headers.insert(0, _allow(allowed))
            raise MethodNotAllowed(f"a membership is asked for with {' or '.join(allowed)}")
        address = route.require_address(question, caller)
        by_path = method == "GET"
        key = route.key_in_path(question) if by_path else await route.key_in_body(scope, receive)
        return key, await self._lookups.look_up(address, key)

    def _count(self, caller: Caller, question: Question) -> Standing:
        return self._limits.look_up(caller.token_id, self._lookup_route.limit_name(question))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        exchange = Exchange(scope, receive, send, BodyPace(self._body_timeout_s))
        dialect = self._dialects.of_path(scope["raw_path"])
        try:
            await self._pass_on(scope, exchange)
            stream = handed_over(scope)
            if stream is not None:
                await stream.send_all(scope, exchange.receive, exchange.send)
        except Disconnected:
            exchange.status = 0
        except ApiError as exc:
            await self._refuser.refuse(exc, dialect, exchange.send)
        except (StoreError, ObjectError) as exc:
            await self._refuser.refuse(translate_error(exc), dialect, exchange.send)
        except Exception as exc:  # noqa: BLE001 - the last handler: nothing may go unanswered
            if not exchange.status:  # else FastAPI's last handler has reported it
                await self._refuser.report(exc, dialect, exchange.send)
        self._note(scope, exchange.status, time.perf_counter() - started)

    async def _caller(self, scope: Scope) -> Caller:
        try:
            if scope["raw_path"] == _METRICS_PATH:
                return await self._auth.caller_of_metrics(scope["headers"])
            if scope["path"] in self._sdk_key_paths:
                return await self._auth.caller_with_sdk_key(scope["headers"])
            return await self._auth.caller(scope["headers"])
        except Unauthorized:
            await self._refusal_pace.wait()
            raise

    async def _pass_on(self, scope: Scope, exchange: Exchange) -> None:
        path = scope["raw_path"]
        if scope["method"] == "OPTIONS":
            await answer_options(exchange.send, self._methods_of(scope))
            return
        open_answer = self._open_paths.get(path)
        if open_answer is not None:
            await self._answer_open(open_answer, scope, exchange.send)
            return
        if path in self._silent_paths:
            raise NotFound("invalid resource identifier")
        caller = await self._caller(scope)
        scope.setdefault("state", {})["caller"] = caller
        scope["method"] = method_of(scope)
        route = self._routes.name_of(scope["method"], path)
        standing = await self._limits.request(caller.token_id, route)
        exchange.headers = limit_headers(standing)
        standing.require()
        if b"%2f" in path.lower() and not self._routes.methods_of(path):
            # Decoding it would make another path of it, which may be that of a route.
            raise NotFound("invalid resource identifier")
        receive: Receive = exchange.receive
        if not is_upload(scope, route) and route not in self._unread_routes:
            receive = await self._body_bounds.receive(scope, receive, route)
        expect_stream(scope)
        await self._rest(scope, receive, exchange.send)

    def _methods_of(self, scope: Scope) -> str:
        """List what a path takes, for ``Allow``; documented, so no token is needed."""
        path = scope["raw_path"]
        if path in self._open_paths:
            return allowed_methods(("GET",))
        question = self._lookup_route.parse_question(path)
        if question is not None:
            return allowed_methods(self._lookup_route.methods_for(question))
        methods = allowed_methods(self._routes.methods_of(path))
        if not methods and path != _EVERYTHING:
            raise NotFound("invalid resource identifier")
        return methods

    async def _answer_open(self, open_answer: OpenAnswer, scope: Scope, send: Send) -> None:
        if scope["method"] == "GET":
            await open_answer(scope, send)
            return
        error = MethodNotAllowed("this path is only read: send GET or HEAD")
        await self._refuser.refuse(error, self._dialects.main, send, (_allow(("GET",)),))

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        if scope["raw_path"] in self._open_paths:
            route = scope["raw_path"].decode()
        self._metrics.request(scope["method"], route, status, seconds)
        if scope["raw_path"] not in _UNLOGGED_PATHS:
            _log.info(
                "request.served",
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _allow(methods: tuple[str, ...]) -> Header:
    return b"allow", allowed_methods(methods).encode()
