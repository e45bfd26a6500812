"""Long work on the sets, in steps of some tens of milliseconds, so that edits go on meanwhile.

While a list is worked on, its feed is left alone: what changes it comes after, in its order.
"""

import logging
from collections.abc import Generator
from dataclasses import dataclass

from worker.sdk_store.followed_lists import FollowedLists, revision_text
from worker.sdk_store.list_source import ListSource
from worker.sdk_store.set_writer import SetWriter
from worker.store.lists import Followed, Revision
from worker.store.sdk_store import FollowedList

logger = logging.getLogger("bigseg.sdk_store")

Steps = Generator[None, None, None]


@dataclass(frozen=True, slots=True)
class Work:
    """What work on the sets of one environment needs."""

    lists: FollowedLists
    source: ListSource
    writer: SetWriter


def begin(work: Work, name: str, *, whole: bool) -> None:
    """Pin the live revision of a list, and note that the sets are to hold it.

    Args:
        work: What it needs.
        name: The list, ``segment.gN``.
        whole: Whether the sets may hold something of it already.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost it.
    """
    held = name in work.lists and work.lists[name].held
    holder = work.lists.other_holder(name)
    start = pin_live(work, name, holder)
    text = revision_text(start.revision)
    work.lists.put(name, FollowedList(text, start.after, holder, held=held, whole=whole))


def pin_live(work: Work, name: str, holder: str) -> Followed:
    """Pin the live revision; raises as :func:`begin`."""
    ref = work.lists.ref(name)
    # A pin that was left over would be renewed, whatever it is on.
    work.source.unfollow(ref, holder)
    return work.source.follow(ref, holder)


def fill(work: Work, name: str) -> Steps:
    """Fill the sets with a list of which they hold nothing, or only a part of this revision.

    Raises:
        ListUnknown: the revision is not whole any more.
    """
    ref, revision = work.lists.ref(name), work.lists.revision(name)
    for batch in work.source.whole(ref, revision):
        for _ in work.writer.write(name, batch, logs=False):
            yield
        yield
    work.lists.mark(name, held=True)
    logger.info("sdk_store.filled", extra={"list": name})


def follow_flip(work: Work, name: str, new: Revision, after: str) -> Steps:
    """Change the sets from one revision to the next; what is in both is never touched.

    Args:
        work: What it needs.
        name: The list, ``segment.gN``.
        new: The revision that went live.
        after: The entry of the feed that says so.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: one of the two revisions is not whole any more.
    """
    ref, before = work.lists.ref(name), work.lists[name]
    holder = work.lists.other_holder(name)
    # Whichever is live by now; the next one is mostly still the same.
    pin_live(work, name, holder)
    for batch in work.source.differences(ref, work.lists.revision(name), new):
        for _ in work.writer.write(name, batch, logs=True):
            yield
        yield
    work.lists.put(
        name, FollowedList(revision_text(new), after, holder, held=before.held, whole=before.whole)
    )
    work.source.unfollow(ref, before.holder)
