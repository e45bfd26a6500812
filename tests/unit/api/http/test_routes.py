"""Which route a path means, before it is decoded."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.http.routes import UNKNOWN, RouteTable

_PATHS = ("/lists/{list}", "/lists/{list}/keys/{key:path}")


def _answer(_: Request) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("path", "template"),
    [
        (b"/lists/a", "/lists/{list}"),
        (b"/%6Cists/a", "/lists/{list}"),
        (b"/lists/a%2Fkeys%2Fb", UNKNOWN),
        (b"/lists/a%2Fb", UNKNOWN),
        (b"/lists/a/keys/b", "/lists/{list}/keys/{key:path}"),
        (b"/lists/a/keys/b%2fc%2F", "/lists/{list}/keys/{key:path}"),
        (b"/lists/a/keys/%2E%2E", "/lists/{list}/keys/{key:path}"),
        (b"/lists/a%2Fb/keys/c", UNKNOWN),
        (b"/lists/a/keys/b/c", UNKNOWN),
        (b"/lists/a/keys/", UNKNOWN),
        (b"/lists/\xff", "/lists/{list}"),
    ],
)
def test_name_of__encoded_slash__is_part_of_a_name_where_any_text_may_be(
    path: bytes, template: str
) -> None:
    table = RouteTable()
    table.add(Route(each, _answer, methods=["PUT"]) for each in _PATHS)
    assert table.name_of("PUT", path).removeprefix("PUT ") == template
    assert table.methods_of(path) == ([] if template == UNKNOWN else ["PUT"])
    assert table.name_of("DELETE", path) == UNKNOWN
