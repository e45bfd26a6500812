"""What a caller needs for a route: declared at its handler, checked before the handler runs.

A route that declares nothing is never served: :func:`require_declared` refuses it at start.

Out of scope is 403, whether the resource exists or not: a scope says what a token may know
of. Lists leave out what is out of scope instead.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import Request
from starlette.routing import BaseRoute

from api.access.auth import Caller, Role
from api.errors import Forbidden
from worker.errors import TerminalError

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ATTRIBUTE: Final = "__need__"


class UndeclaredPermission(TerminalError):
    """A route would be served without anybody having said who may use it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks of its callers."""

    role: Role | None
    """The least role; ``None``: not even a token. Only the front serves such routes."""
    whole: bool = False
    """Whether everything inside what the path names must be in scope, and not only something.
    Where the path names no project, that takes a token without a scope."""
    by_handler: bool = False
    """Whether the handler checks the scope, because only it knows what the path names."""


@dataclass(frozen=True, slots=True)
class PathNames:
    """What a dialect calls the path parameters that name a place."""

    project: str
    environment: str
    segment: str


def declare_need(handler: Handler, need: Need) -> Handler:
    """Say at a handler what its callers need; gives the handler back."""
    setattr(handler, _ATTRIBUTE, need)
    return handler


def need_of(route: BaseRoute) -> Need | None:
    """What the handler of a route has declared."""
    return getattr(getattr(route, "endpoint", None), _ATTRIBUTE, None)


def require_declared(routes: Iterable[BaseRoute]) -> None:
    """Make sure that each of these routes, and each in an included router, declares a need.

    Raises:
        UndeclaredPermission: one does not; names its method and path.
    """
    for route in flat_routes(routes):
        if need_of(route) is None:
            methods = ", ".join(sorted(getattr(route, "methods", None) or ("any method",)))
            raise UndeclaredPermission(
                f"{methods} {getattr(route, 'path', route)} declares no permission: "
                "say what its callers need at its handler"
            )


def flat_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Each route, also those of included routers."""
    for route in routes:
        inside = getattr(route, "original_router", None)  # how FastAPI keeps an included router
        if inside is None:
            yield route
        else:
            yield from flat_routes(inside.routes)


def permission_check(names: PathNames) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """Make the dependency that checks the declared need of whichever route is served.

    It raises ``Forbidden`` if the caller may not do what the route does to what its path names.
    """

    async def require_permission(request: Request) -> None:
        need = need_of(request.scope["route"])
        caller: Caller = request.state.caller
        if need is None or need.role is None or caller.role < need.role:
            raise Forbidden
        if need.by_handler:
            return
        named = request.path_params
        require_scope(
            caller,
            named.get(names.project),
            named.get(names.environment),
            named.get(names.segment),
            whole=need.whole,
        )

    return require_permission


def require_scope(
    caller: Caller,
    project: str | None,
    environment: str | None = None,
    segment: str | None = None,
    *,
    whole: bool = False,
) -> None:
    """Make sure that a place is in the caller's scope.

    For handlers whose body names the place, such as what is to be created; what the path
    names has been checked.

    Args:
        caller: who asks.
        project: its key; ``None`` here and below: the path does not say.
        environment: its key.
        segment: its key.
        whole: everything inside the place must be in scope as well.

    Raises:
        Forbidden: it is not.
    """
    holds = caller.scope.covers if whole else caller.scope.allows
    if not holds(project, environment, segment):
        raise Forbidden
