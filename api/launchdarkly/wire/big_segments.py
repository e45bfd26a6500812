"""Finding the big segment that a request is about."""

from api.errors import InvalidRequest
from api.launchdarkly.wire.links import SegmentPath
from worker.store import Segment, Store


def big_segment(store: Store, path: SegmentPath) -> Segment:
    """The definition of a big segment. Cost: one round trip.

    Raises:
        InvalidRequest: the segment is a standard one.
        SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: no such thing.
        StoreUnavailable: no answer. Safe to retry.
    """
    segment = store.segments.get(path.scope, path.segment)
    if not segment.unbounded:
        raise InvalidRequest(f"segment {segment.key} is not a big segment")
    return segment
