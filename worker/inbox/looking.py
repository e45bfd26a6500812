"""Looks for new objects: at everything now and then, and at once where an event says so."""

import heapq
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from worker.errors import TerminalError, TransientError
from worker.inbox.objects import InboxObject
from worker.inbox.places import ObjectRefused, is_skipped, parse_place
from worker.inbox.settling import settle
from worker.inbox.starting import start_import
from worker.jobs.services import Services
from worker.objects import ObjectInfo
from worker.store import EnvironmentRef, Inbox
from worker.store.jobs import InboxScan

logger = logging.getLogger("bigseg.inbox")

#: Pages of 1,000 objects in one turn at listing everything; the next turn goes on.
PAGES_OF_TURN: Final = 20
#: Pages of one segment's objects; beyond them the order of its objects is not kept.
PAGES_OF_SEGMENT: Final = 100
#: Objects of one segment that are looked at in one turn: the oldest ones.
_OLDEST: Final = 100
#: The least time between two tries to move an object that cannot be imported.
_REFUSED_AGAIN_MS: Final = 60_000
#: Comes after every character of a key.
_LAST_CHARACTER: Final = "\U0010ffff"


def look_into_inbox(services: Services) -> int:
    """Start the imports whose turn it is, and settle what cannot be imported.

    Of each segment one object at a time is imported, in the order of their times. Safe to run
    concurrently and to interrupt: an object is imported once.

    Returns:
        Imports started.

    Raises:
        ObjectError: the bucket cannot be listed.
    """
    if services.settings.inbox is None:
        return 0
    inbox, store = Inbox.parse(services.settings.inbox), services.store
    looks = [_Look(services, inbox)]
    for prefix in store.inbox.take_noted():
        if prefix.startswith(inbox.prefix):
            looks[0].look_at_folder(prefix)
    if store.jobs.take_turn("list_inbox", int(services.settings.inbox_poll_s * 1_000)):
        looks.append(_Look(services, inbox))
        looks[1].look_at_all()
    return sum(look.started for look in looks)


class _Look:
    """One look, and what it found."""

    def __init__(self, services: Services, inbox: Inbox) -> None:
        self._services = services
        self._inbox = inbox
        self.started = 0
        self.waiting = 0

    def look_at_all(self) -> None:
        """List everything, or go on with that, a bounded number of pages."""
        scans = self._services.store.inbox
        before = scans.scan()
        after: str | None = before.after
        for _ in range(PAGES_OF_TURN):
            if after is None:
                break
            after = self._look_at_page(after)
        counted = before.counted + self.waiting
        if after is None:
            scans.put_scan(InboxScan(waiting=counted))
        else:
            scans.put_scan(InboxScan(after, counted, before.waiting))

    def look_at_folder(self, folder: str) -> None:
        """Look at all objects of one segment, or at the one whose key this is."""
        oldest: list[InboxObject] = []
        after: str | None = ""
        # A key is the first of those that begin with it.
        for _ in range(PAGES_OF_SEGMENT if folder.endswith("/") else 1):
            if after is None:
                break
            page, after = self._list(folder, after)
            found = self._find_untaken(
                info for info in page if self._inbox.folder_of(info.key) == folder
            )
            self.waiting += len(found)
            oldest = heapq.nsmallest(_OLDEST, [*oldest, *found], key=lambda obj: obj.order)
        self._take(folder, oldest)

    def _look_at_page(self, after: str) -> str | None:
        """Look at the segments of a page; the key after which the next one begins."""
        page, following = self._list(self._inbox.prefix, after)
        folders = groupby(page, key=lambda info: self._inbox.folder_of(info.key))
        last = self._inbox.folder_of(page[-1].key) if page else ""
        for folder, infos in folders:  # in the order of keys all of a segment are together
            if following is not None and folder == last:
                self.look_at_folder(folder)  # the page may have cut it
                return folder + _LAST_CHARACTER if folder.endswith("/") else folder
            found = self._find_untaken(infos)
            self.waiting += len(found)
            self._take(folder, sorted(found, key=lambda obj: obj.order)[:_OLDEST])
        return following

    def _list(self, prefix: str, after: str) -> tuple[list[ObjectInfo], str | None]:
        return self._services.objects.list_page(prefix, after, bucket=self._inbox.bucket)

    def _find_untaken(self, infos: Iterable[ObjectInfo]) -> list[InboxObject]:
        """Those that may be imported, and for which nothing has been started yet."""
        objects = [
            InboxObject(self._inbox, info)
            for info in infos
            if not is_skipped(self._inbox.rest_of(info.key))
        ]
        ids = {obj.import_id: _env_of(obj) for obj in objects}
        taken = self._services.store.inbox.taken(ids)
        return [obj for obj in objects if obj.import_id not in taken]

    def _take(self, folder: str, objects: Sequence[InboxObject]) -> None:
        """Start the import of the oldest object that can be imported."""
        try:
            for obj in objects:
                step = self._try(obj)
                if step == "started":
                    self.started += 1
                    self.waiting -= 1
                if step != "next":
                    return
        except (TransientError, TerminalError) as exc:
            # The other segments must not wait for this one.
            logger.warning("inbox.postponed", extra={"folder": folder, "reason": str(exc)})

    def _try(self, obj: InboxObject) -> str:
        try:
            return start_import(self._services, obj)
        except ObjectRefused as exc:
            self._refuse(obj, str(exc))
            return "next"

    def _refuse(self, obj: InboxObject, reason: str) -> None:
        if self._services.store.jobs.take_turn(f"inbox:{obj.import_id}", _REFUSED_AGAIN_MS):
            facts = {"object": obj.address, "reason": reason}
            logger.warning("inbox.refused", extra=facts)
            settle(self._services, obj, "failed", reason)
            self.waiting -= 1


def _env_of(obj: InboxObject) -> EnvironmentRef | None:
    try:
        return parse_place(obj.inbox.rest_of(obj.info.key)).env
    except ObjectRefused:
        return None
