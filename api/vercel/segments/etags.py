"""Entity tags of segments, and ``If-Match``."""

from typing import Final

from api.rest.preconditions import describe_tagged, require_tag
from worker.store import ProjectSegment

#: For ``responses`` of an operation that answers with a segment.
ENTITY_TAG: Final = describe_tagged("segment")


def entity_tag(segment: ProjectSegment) -> str:
    """The tag of a segment's state: another one after every change of its own."""
    return f'"{segment.revision}"'


def require_match(segment: ProjectSegment, if_match: str | None) -> None:
    """Make sure that a segment is in the state that a request requires.

    Raises:
        PreconditionFailed: it is not.
    """
    require_tag(entity_tag(segment), if_match, f"segment {segment.slug}")
