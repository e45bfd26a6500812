"""Which route and method a request means, found before the framework does.

Also HEAD and OPTIONS, which need no operation of their own, and the route of look-ups, which the
front serves itself: a framework costs more than the answer.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.routing import BaseRoute, Route

from api.access.auth import Caller
from api.errors import InvalidRequest
from api.http.asgi import Message, Receive, Scope, Send, header
from api.http.connections.uvicorn_protocol import forbid_whole_answer
from api.lookups.lookups import SegmentAddress
from worker.store import Membership

#: The name of every path without a route.
UNKNOWN: Final = "none"

#: Methods that a resource takes in addition to its operations.
_WITH_GET: Final = "HEAD"
_ALWAYS: Final = "OPTIONS"
#: For clients that can send no method but POST.
_METHOD_OVERRIDE: Final = b"x-http-method-override"
#: Source: the overview of LaunchDarkly's REST API.
_OVERRIDES: Final = ("PATCH", "DELETE", "PUT")
#: How the template of a route ends whose last part may hold an encoded slash.
_ANY_TEXT: Final = ":path}"

Question = list[bytes]
"""The parts of a path that asks for a membership."""


@dataclass(frozen=True, slots=True)
class LookupRoute:
    """How the clients of one API ask for a membership, and how they are answered."""

    parse_question: Callable[[bytes], Question | None]
    """Gives the parts of an undecoded path if it asks for a membership, whatever the method."""
    limit_name: Callable[[Question], bytes]
    """The name under which the question counts against the limits."""
    methods_for: Callable[[Question], tuple[str, ...]]
    """The methods that the question's path takes; a POST has the key in its body."""
    require_address: Callable[[Question, Caller], SegmentAddress]
    """Gives the segment that the question is about, if the caller may ask."""
    key_in_path: Callable[[Question], str]
    key_in_body: Callable[[Scope, Receive], Awaitable[str]]
    render: Callable[[str, Membership], bytes]
    """Gives the body of the answer about a key."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: str
    parts: tuple[str, ...]
    methods: frozenset[str]

    def fits(self, parts: list[str]) -> bool:
        """Whether these decoded parts name a resource of it; no resource key holds a slash."""
        named = parts[:-1] if self.template.endswith(_ANY_TEXT) else parts
        if any("/" in part for part in named):
            return False
        pairs = zip(self.parts, parts, strict=True)
        return all(mine == theirs or (mine[:1] == "{" and theirs) for mine, theirs in pairs)


class RouteTable:
    """All routes by the number of their parts. Cost of a look-up: a few microseconds."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[_Pattern]] = {}

    def add(self, routes: Iterable[BaseRoute]) -> None:
        """Add these routes; what has no methods is left out."""
        for route in routes:
            if isinstance(route, Route):
                parts = tuple(route.path.split("/"))
                pattern = _Pattern(route.path, parts, frozenset(route.methods or ()))
                self._by_length.setdefault(len(parts), []).append(pattern)

    def name_of(self, method: str, raw_path: bytes) -> str:
        """Give the method and the route's template; one name for all unknown paths.

        Args:
            method: the HTTP method.
            raw_path: not decoded, so that an encoded slash is part of a name.
        """
        for pattern in self._fitting(raw_path):
            if method in pattern.methods:
                return f"{method} {pattern.template}"
        return UNKNOWN

    def methods_of(self, raw_path: bytes) -> list[str]:
        """List all methods that the path takes, sorted; empty if no route has it."""
        fitting = self._fitting(raw_path)
        return sorted({method for pattern in fitting for method in pattern.methods})

    def _fitting(self, raw_path: bytes) -> list[_Pattern]:
        parts = [unquote(part) for part in raw_path.decode("latin-1").split("/")]
        patterns = self._by_length.get(len(parts), ())
        return [pattern for pattern in patterns if pattern.fits(parts)]


def method_of(scope: Scope) -> str:
    """The method that a request means; the header counts on a POST only.

    Raises:
        InvalidRequest: the header names another method. It is not obeyed and not ignored
            either: the POST might then do something unintended.
    """
    method: str = scope["method"]
    if method != "POST":
        return method
    value = header(scope, _METHOD_OVERRIDE)
    if value is None:
        return method
    meant = value.strip().upper().decode("latin-1")
    if meant not in _OVERRIDES:
        raise InvalidRequest(f"X-HTTP-Method-Override takes {', '.join(_OVERRIDES)}")
    return meant


def as_get(scope: Scope) -> Scope:
    """Turn a HEAD into the GET it stands for; it is counted, logged and limited as one."""
    stands_for = {**scope, "method": "GET"}
    forbid_whole_answer(stands_for)  # which would write a body
    return stands_for


def without_body(send: Send) -> Send:
    """Make a ``send`` that keeps the head of an answer, its length included, and drops the body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def allowed_methods(own: Sequence[str]) -> str:
    """Give the value of ``Allow`` for a resource with these operations; '' if it has none."""
    if not own:
        return ""
    added = {_ALWAYS, _WITH_GET} if "GET" in own else {_ALWAYS}
    return ", ".join(sorted({*own, *added}))


async def answer_options(send: Send, allow: str) -> None:
    """Answer OPTIONS: 204 and the methods, without regard to permissions."""
    headers = [(b"allow", allow.encode())] if allow else []
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
