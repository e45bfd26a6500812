"""Entity tags of segments, and ``If-Match``."""

from typing import Annotated, Final

from fastapi import Header

from api.errors import PreconditionFailed
from api.vercel.wire.preconditions import describe_tagged
from worker.store import ProjectSegment

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="Change only this state of the segment: its `ETag`; several, or `*`.",
    ),
]

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
    if if_match is None or if_match.strip() == "*":
        return
    if entity_tag(segment) not in [tag.strip() for tag in if_match.split(",")]:
        message = f"segment {segment.slug} is no longer in the state of If-Match; read it again"
        raise PreconditionFailed(message)
