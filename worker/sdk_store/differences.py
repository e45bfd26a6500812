"""Reads whole lists, and what differs between two revisions, for the sets of SDKs."""

from collections.abc import Iterator
from dataclasses import replace

from worker.sdk_store.list_source import Batch
from worker.store import EXCLUDED, ListRef
from worker.store.lists import Revision, differences, read_whole
from worker.store.server import Database


class ListDifferences:
    """The members of lists in batches of about 50,000 keys, see :mod:`worker.store.lists`."""

    def __init__(self, database: Database) -> None:
        """Read lists of a database."""
        self._database = database

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        """Give all keys of a revision as added ones; raises as :func:`read_whole`."""
        return (Batch((step,)) for step in read_whole(self._database, ref, revision))

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        """Compare two revisions; raises as :func:`differences`.

        A key that goes from one list to the other is added there before it is removed here, so that
        it is never in none. So excluded keys that were added come twice.
        """
        if new.excluded_bits:
            for step in differences(self._database, ref, old, new, (EXCLUDED,)):
                yield Batch((replace(step, removed=step.removed[:0]),))
        for step in differences(self._database, ref, old, new):
            yield Batch((step,))
