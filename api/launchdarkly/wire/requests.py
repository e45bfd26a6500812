"""What handlers ask of a request: valid path parameters, body types and query parameters."""

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from api.bodies.json_values import read_json
from api.bodies.unknown_names import unknown_name
from api.errors import InvalidRequest, NotFound, UnsupportedMediaType
from api.launchdarkly.wire.links import RESOURCE_KEY, SegmentPath
from api.launchdarkly.wire.parameters import EnvironmentKey, ProjectKey, SegmentKey
from worker.store import EnvironmentRef, Segment, Store

_READING: Final = frozenset({"GET", "HEAD"})
_EMPTY: Final = frozenset({b"", b"null", b"{}"})


def environment_ref_of(
    projectKey: ProjectKey,  # noqa: N803 - the documented names
    environmentKey: EnvironmentKey,  # noqa: N803 - same
) -> EnvironmentRef:
    """The environment that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    _require_keys(projectKey, environmentKey)
    return EnvironmentRef(projectKey, environmentKey)


def segment_path_of(
    projectKey: ProjectKey,  # noqa: N803 - the documented names
    environmentKey: EnvironmentKey,  # noqa: N803 - same
    segmentKey: SegmentKey,  # noqa: N803 - same
) -> SegmentPath:
    """The segment that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    _require_keys(projectKey, environmentKey, segmentKey)
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


def media_type(content_type: str) -> str:
    """A ``Content-Type`` header's type in lower case without parameters, '' without a header."""
    return content_type.partition(";")[0].strip().lower()


def media_type_of(request: Request) -> str:
    """The type of the body, as :func:`media_type` gives it."""
    return media_type(request.headers.get("content-type", ""))


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
    """Make sure that the body, if it has a type, is JSON, and all of it can be kept.

    What the framework parses is read here once more, because its parser accepts halves of
    surrogate pairs and silently drops repeated members; other handlers read it themselves.

    Raises:
        InvalidRequest: as ``read_json``.
        UnsupportedMediaType: it is something else.
    """
    require_json_type(media_type_of(request))
    raw = await request.body()
    if raw and request.scope["route"].body_field is not None:
        read_json(raw)


async def require_known_query(request: Request) -> None:
    """Make sure that a request that changes something has no unknown query parameter.

    A field of the body that was put there would silently be lost. Unknown parameters of reads
    are ignored, because clients add some of their own.

    Raises:
        InvalidRequest: it has one; lists the known ones.
    """
    if not request.query_params or request.method in _READING:
        return
    known = sorted(_query_names(request.scope["route"].dependant))
    for name in request.query_params:
        if name not in known:
            fault = unknown_name(name, known, "query parameter", "parameters")
            into = "" if request.method == "DELETE" else "; send fields in the body"
            raise InvalidRequest(fault + into)


async def require_no_body(request: Request) -> None:
    """Make sure that a request whose body is not read has none; ``null`` and ``{}`` are none.

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


def _require_keys(*keys: str) -> None:
    if not all(RESOURCE_KEY.fullmatch(key) for key in keys):
        raise NotFound("invalid resource identifier")


EnvironmentRefOf = Annotated[EnvironmentRef, Depends(environment_ref_of)]
SegmentPathOf = Annotated[SegmentPath, Depends(segment_path_of)]
RequireJson = Depends(require_json)
RequireNoBody = Depends(require_no_body)
