"""Publishing a revision again, in any dialect."""

from collections.abc import Callable
from typing import Final

from api.errors import Conflict, NotFound
from api.jobs.running import import_in_progress
from api.rest.operations import Refusals
from api.revisions.models import PublishOptions, RevisionRepresentation, represent_live
from worker.store import ImportInProgress, ListRef, Store, Summary

REFUSES: Final[Refusals] = {
    NotFound: "The list does not exist, or keeps no revision of this number.",
    Conflict: "The live revision was edited since it became live, and `force` is not set; or an "
    "import is running or waits for its approval; or part of the revision is lost.",
}


def publish_revision(
    store: Store,
    ref: ListRef,
    number: int,
    options: PublishOptions,
    *,
    owner: str,
    record: Callable[[str, str, Summary], None],
) -> RevisionRepresentation:
    """Make a revision live again, and put that on record; the live one is only given back.

    Args:
        store: The store.
        ref: The list.
        number: Of the revision.
        options: Whether it is forced.
        owner: What messages call the list.
        record: Takes an action, a verb and a summary for the audit log.

    Raises:
        RevisionNotFound: or another error of :meth:`KeptRevisions.publish`.
    """
    before = store.revisions.find_all(ref)[0]
    try:
        changed = store.revisions.publish(ref, number, force=options.force)
    except ImportInProgress:
        building = store.memberships.state(ref).building
        if building is None:
            raise  # it has ended since
        raise import_in_progress(store, owner, ref, building) from None
    live = represent_live(store, ref)
    if changed:
        record(
            "publishBigSegmentRevision",
            "published an earlier revision of the segment",
            {
                "revision": number,
                "replaces": before.number,
                "force": options.force,
                "included": live.included,
                "excluded": live.excluded,
            },
        )
    return live
