"""What handlers require of a path: keys that a resource can have."""

from typing import Annotated

from fastapi import Depends

from api.errors import InvalidRequest, NotFound
from api.launchdarkly.wire.links import RESOURCE_KEY, SegmentPath
from api.launchdarkly.wire.parameters import EnvironmentKey, ProjectKey, SegmentKey
from worker.store import EnvironmentRef, Segment, Store


async def parse_project_key(projectKey: ProjectKey) -> str:  # noqa: N803 - the documented name
    """The project that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    require_keys(projectKey)
    return projectKey


async def parse_environment_ref(
    projectKey: ProjectKey,  # noqa: N803 - the documented names
    environmentKey: EnvironmentKey,  # noqa: N803 - same
) -> EnvironmentRef:
    """The environment that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    require_keys(projectKey, environmentKey)
    return EnvironmentRef(projectKey, environmentKey)


async def parse_segment_path(
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
