"""What a request says about its resource: checked path parameters and body types."""

from typing import Annotated

from fastapi import Depends, Request

from api.errors import NotFound, UnsupportedMediaType
from api.launchdarkly.json_values import require_unicode
from api.launchdarkly.paths import RESOURCE_KEY, SegmentPath
from worker.store import Scope


def scope_of(projectKey: str, environmentKey: str) -> Scope:  # noqa: N803 - the documented names
    """The environment that the path names; whether it exists is not said.

    Raises:
        NotFound: a key that no resource can have.
    """
    _require_keys(projectKey, environmentKey)
    return Scope(projectKey, environmentKey)


def segment_path_of(
    projectKey: str,  # noqa: N803 - the documented names
    environmentKey: str,  # noqa: N803 - same
    segmentKey: str,  # noqa: N803 - same
) -> SegmentPath:
    """The segment that the path names; whether it exists is not said.

    Raises:
        NotFound: a key that no resource can have.
    """
    _require_keys(projectKey, environmentKey, segmentKey)
    return SegmentPath(projectKey, environmentKey, segmentKey)


def media_type_of(request: Request) -> str:
    """The body's type in lower case without parameters, '' when none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def require_json(request: Request) -> None:
    """Make sure that the body, if it has a type, is JSON, and that its text can be kept.

    Raises:
        InvalidRequest: it is not UTF-8, or holds half of a surrogate pair.
        UnsupportedMediaType: it is something else.
    """
    kind = media_type_of(request)
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"send application/json, not {kind[:80]}")
    require_unicode(await request.body())


def _require_keys(*keys: str) -> None:
    if not all(RESOURCE_KEY.fullmatch(key) for key in keys):
        raise NotFound("invalid resource identifier")


ScopeOf = Annotated[Scope, Depends(scope_of)]
SegmentPathOf = Annotated[SegmentPath, Depends(segment_path_of)]
RequireJson = Depends(require_json)
