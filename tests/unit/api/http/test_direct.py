"""Look-ups without ASGI: whatever breaks on the way, the front hears of it and answers."""

from typing import Any, cast

from api.access.auth import Caller, Role, TokenAuth
from api.access.scope import EVERYTHING
from api.http.asgi import Header
from api.http.connections.direct_exchange import DirectExchange
from api.http.direct import BEGUN, DirectLookups
from api.http.limits.counts import RedisCounts
from api.http.limits.limits import Caps, Limits
from api.http.routes import LookupRoute
from api.lookups.lookups import Lookups
from api.metrics.metrics import Metrics
from worker.store import Membership, RedisAddress

_NO_CAPS = Caps(account=0, token=0, route=0, lookup_token=0, lookup_route=0)
_CALLER = Caller("a client", "t1", Role.READER, EVERYTHING)


class _KnowsEverybody:
    def find(self, _headers: list[Header]) -> Caller:
        return _CALLER


class _AnswersAtOnce:
    def find(self, _address: object) -> str:
        return "a belief"

    def submit(self, _belief: object, _member: bytes, then: Any) -> None:
        then(Membership(included=True, excluded=False))


class _Connection:
    def __init__(self) -> None:
        self.passed_on: list[DirectExchange] = []

    def answer_directly(self, *_: object) -> None:
        raise AssertionError("nothing can be rendered")

    def pass_on(self, exchange: DirectExchange) -> None:
        self.passed_on.append(exchange)


def _break(*_: object) -> bytes:
    raise ZeroDivisionError


def test_begin__rendering_breaks__error_is_passed_on_to_the_front() -> None:
    route = LookupRoute(
        parse_question=lambda path: [path],
        limit_name=lambda _question: b"contexts",
        methods_for=lambda _question: ("GET",),
        require_address=cast("Any", lambda _question, _caller: None),
        key_in_path=lambda _question: "alice",
        key_in_body=cast("Any", None),
        render=_break,
    )
    direct = DirectLookups(
        auth=cast("TokenAuth", _KnowsEverybody()),
        limits=Limits(_NO_CAPS, RedisCounts(RedisAddress(port=9), "unused"), clock=lambda: 0),
        lookups=cast("Lookups", _AnswersAtOnce()),
        route=route,
        metrics=cast("Metrics", None),
    )
    connection = _Connection()

    assert direct.begin(DirectExchange(connection, b"/contexts/alice", []))

    [exchange] = connection.passed_on
    assert isinstance(exchange.additions[BEGUN].error, ZeroDivisionError)
