"""A list's revisions as callers of any dialect see them."""

import re
from typing import Annotated, Final

from fastapi import Depends, Path

from api.bodies.models import Flag, Int32, Int64, StrictBody, WireModel
from api.errors import NotFound
from worker.store import KeptRevision, ListRef, Store

_NUMBER: Final = re.compile(r"[0-9]{1,9}")


async def parse_revision_number(
    number: Annotated[
        str,
        Path(
            description="The revision's number, as it is listed.",
            json_schema_extra={"pattern": f"^{_NUMBER.pattern}$"},
        ),
    ],
) -> int:
    """The revision that the path names; it may not exist.

    Raises:
        NotFound: no revision can have such a number.
    """
    if not _NUMBER.fullmatch(number):
        raise NotFound("there is no such revision")
    return int(number)


RevisionNumberOf = Annotated[int, Depends(parse_revision_number)]


class RevisionRepresentation(WireModel):
    """A state of a list that is live, or can be made live again."""

    number: Int32
    live: bool
    published_at: Int64
    """When it became live, the last time."""
    replaced_at: Int64 | None
    """When another one became live in its place; null for the live one."""
    import_id: str | None
    """The import that made it; null for the list as it was created and edited."""
    edits: Int64
    """Requests that edited it since it became live, and removals of expired members."""
    included: Int64
    """Members of its included list."""
    excluded: Int64
    bytes: Int64 | None
    """The memory that it takes, estimated from some of its shards; null if part of it is lost."""


class PublishOptions(StrictBody):
    """How to publish a revision."""

    force: Flag = False
    """Publish it although the live revision was edited: those edits are not in this one."""


def represent_revisions(store: Store, ref: ListRef) -> list[RevisionRepresentation]:
    """The live revision and then the others, the last one replaced first.

    Cost: one round trip, and two for each revision.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost its record.
    """
    return [_represent(store, ref, kept) for kept in store.revisions.find_all(ref)]


def represent_live(store: Store, ref: ListRef) -> RevisionRepresentation:
    """The live revision. Errors: as :func:`represent_revisions`."""
    return _represent(store, ref, store.revisions.find_all(ref)[0])


def _represent(store: Store, ref: ListRef, kept: KeptRevision) -> RevisionRepresentation:
    return RevisionRepresentation(
        number=kept.number,
        live=kept.replaced_ms is None,
        published_at=kept.published_ms,
        replaced_at=kept.replaced_ms,
        import_id=kept.import_id,
        edits=kept.edits,
        included=kept.included_count,
        excluded=kept.excluded_count,
        bytes=store.revisions.size_bytes(ref, kept),
    )
