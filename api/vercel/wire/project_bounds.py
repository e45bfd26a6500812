"""How much a project may hold."""

from api.settings import ApiSettings
from worker.store import SegmentBounds


def project_bounds(settings: ApiSettings) -> SegmentBounds:
    """The bounds on the segments of one project, and on what its flags say about them."""
    return SegmentBounds(settings.vercel_segments, settings.vercel_project_bytes)
