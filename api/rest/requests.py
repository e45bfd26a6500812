"""What handlers of any dialect require of a request: its body's type, its query parameters."""

from typing import Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from api.bodies.json_values import read_json
from api.bodies.media_types import require_plain_json
from api.bodies.unknown_names import unknown_name
from api.errors import InvalidRequest

_READ_METHODS: Final = frozenset({"GET", "HEAD"})
_EMPTY: Final = frozenset({b"", b"null", b"{}"})


async def require_json(request: Request) -> None:
    """Make sure that the body, if its type is declared, is JSON and loses nothing when parsed.

    A body that the framework parses is read here as well, because its parser accepts halves of
    surrogate pairs and silently drops repeated members; other handlers read it themselves.

    Raises:
        InvalidRequest: as ``read_json``.
        UnsupportedMediaType: it is something else.
    """
    require_plain_json(request)
    raw = await request.body()
    if raw and request.scope["route"].body_field is not None:
        read_json(raw)


async def require_known_query(request: Request) -> None:
    """Make sure that a request that changes something has no unknown query parameter.

    A field of the body that was sent in the query would be lost silently. Unknown parameters of
    reads are ignored, because clients add their own.

    Raises:
        InvalidRequest: it has one; lists the known ones.
    """
    if not request.query_params or request.method in _READ_METHODS:
        return
    known = sorted(_query_names(request.scope["route"].dependant))
    for name in request.query_params:
        if name not in known:
            fault = unknown_name(name, known, "query parameter", "parameters")
            into = "" if request.method == "DELETE" else "; send fields in the body"
            raise InvalidRequest(fault + into)


async def require_no_body(request: Request) -> None:
    """Make sure that a request whose body is not read has none; ``null`` and ``{}`` count as none.

    Raises:
        InvalidRequest: there is one.
    """
    if (await request.body()).strip() not in _EMPTY:
        names = sorted(_query_names(request.scope["route"].dependant))
        into = f"; send its parameters in the query: {', '.join(names)}" if names else ""
        raise InvalidRequest(f"this operation takes no body{into}")


def _query_names(dependant: Dependant) -> set[str]:
    names = {parameter.alias for parameter in dependant.query_params}
    return names.union(*(_query_names(dependency) for dependency in dependant.dependencies))


RequireJson = Depends(require_json)
RequireNoBody = Depends(require_no_body)
