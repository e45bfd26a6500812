"""Reads whole lists, and what differs between two revisions, for the sets of SDKs."""

from collections.abc import Iterable, Iterator

from worker.sdk_store.list_source import Batch, SideChanges
from worker.store import ListRef
from worker.store.lists import Revision, differences, read_whole
from worker.store.lists import SideChanges as ListChanges
from worker.store.server import Database


class ListDifferences:
    """The members of lists in batches of about 50,000 keys, see :mod:`worker.store.lists`."""

    def __init__(self, database: Database) -> None:
        """Read lists of a database."""
        self._database = database

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        """Give all keys of a revision as added ones; raises as :func:`read_whole`."""
        return _batches(read_whole(self._database, ref, revision))

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        """Compare two revisions; raises as :func:`differences`."""
        return _batches(differences(self._database, ref, old, new))


def _batches(steps: Iterable[ListChanges]) -> Iterator[Batch]:
    for step in steps:
        yield Batch((SideChanges(step.side, step.added, step.removed),))
