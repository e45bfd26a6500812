"""What handlers require of a request: valid path parameters, body types, query parameters."""

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from api.bodies.json_values import read_json
from api.bodies.unknown_names import unknown_name
from api.errors import InvalidRequest, NotFound, UnsupportedMediaType
from api.launchdarkly.wire.links import RESOURCE_KEY, SegmentPath
from api.launchdarkly.wire.parameters import EnvironmentKey, ProjectKey, SegmentKey
from worker.store import EnvironmentRef, Segment, Store

_READ_METHODS: Final = frozenset({"GET", "HEAD"})
_EMPTY: Final = frozenset({b"", b"null", b"{}"})


def parse_project_key(projectKey: ProjectKey) -> str:  # noqa: N803 - the documented name
    """The project that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    require_keys(projectKey)
    return projectKey


def parse_environment_ref(
    projectKey: ProjectKey,  # noqa: N803 - the documented names
    environmentKey: EnvironmentKey,  # noqa: N803 - same
) -> EnvironmentRef:
    """The environment that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    require_keys(projectKey, environmentKey)
    return EnvironmentRef(projectKey, environmentKey)


def parse_segment_path(
    projectKey: ProjectKey,  # noqa: N803 - the documented names
    environmentKey: EnvironmentKey,  # noqa: N803 - same
    segmentKey: SegmentKey,  # noqa: N803 - same
) -> SegmentPath:
    """The segment that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    require_keys(projectKey, environmentKey, segmentKey)
    return SegmentPath(projectKey, environmentKey, segmentKey)


def find_big_segment(store: Store, path: SegmentPath) -> Segment:
    """The definition of the big segment that the path names. Cost: one round trip.

    Raises:
        InvalidRequest: the segment is a standard one.
        SegmentNotFound: or ProjectNotFound, EnvironmentNotFound.
    """
    segment = store.segments.get(path.env, path.segment)
    if not segment.unbounded:
        raise InvalidRequest(f"segment {segment.key} is not a big segment")
    return segment


def parse_media_type(content_type: str) -> str:
    """A ``Content-Type`` header's type in lower case without parameters, '' without a header."""
    return content_type.partition(";")[0].strip().lower()


def read_media_type(request: Request) -> str:
    """The type of the body, as :func:`parse_media_type` gives it."""
    return parse_media_type(request.headers.get("content-type", ""))


def is_json(kind: str) -> bool:
    """Whether a media type is JSON, or built on it."""
    return kind == "application/json" or kind.endswith("+json")


def require_json_type(kind: str) -> None:
    """Make sure that a media type, if one is given, is JSON.

    Raises:
        UnsupportedMediaType: it is something else.
    """
    if kind and not is_json(kind):
        raise UnsupportedMediaType(f"send application/json, not {kind[:80]}")


async def require_json(request: Request) -> None:
    """Make sure that the body, if its type is declared, is JSON and loses nothing when parsed.

    A body that the framework parses is read here as well, because its parser accepts halves of
    surrogate pairs and silently drops repeated members; other handlers read it themselves.

    Raises:
        InvalidRequest: as ``read_json``.
        UnsupportedMediaType: it is something else.
    """
    require_json_type(read_media_type(request))
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


def require_keys(*keys: str) -> None:
    """Make sure that a resource can have each of these keys.

    Raises:
        NotFound: one of them no resource can have.
    """
    if not all(RESOURCE_KEY.fullmatch(key) for key in keys):
        raise NotFound("invalid resource identifier")


ProjectKeyOf = Annotated[str, Depends(parse_project_key)]
EnvironmentRefOf = Annotated[EnvironmentRef, Depends(parse_environment_ref)]
SegmentPathOf = Annotated[SegmentPath, Depends(parse_segment_path)]
RequireJson = Depends(require_json)
RequireNoBody = Depends(require_no_body)
