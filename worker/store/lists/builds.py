"""Builds: one import at a time makes the next revision of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.store.errors import Fenced, ListUnknown, Unapproved, Unsealed
from worker.store.jobs.records import PreviousImport
from worker.store.keyspace import INCLUDED, BuilderKind, ListRef, Side
from worker.store.lists.membership_store import MembershipStore
from worker.store.lists.revisions import Revision
from worker.store.lists.schedules import prune_schedules
from worker.store.lists.scripts import require_ok, run
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.pipelining import run_each
from worker.store.server.scripts import Argument, ScriptName

#: Shards counted in one call.
_COUNT_STEP: Final = 128


@dataclass(frozen=True, slots=True)
class Claim:
    """An import's claim of a list: what it builds, and on which base."""

    target: str
    """Name of the revision that the import builds."""
    base: Revision
    included_count: int
    excluded_count: int
    superseded: str | None = None
    """Id of the import that this one superseded, which was not approved."""
    previous: PreviousImport | None = None

    def count(self, side: Side) -> int:
        """Members of one list."""
        return self.included_count if side == INCLUDED else self.excluded_count


@dataclass(frozen=True, slots=True)
class Sealed:
    """A build whose shards can no longer be written."""

    number: int
    """Counts under it are valid until the build is unsealed; :meth:`publish` requires it."""
    counts: tuple[int, int] | None
    """Set once edits are being replayed; counting the shards again would include those."""


@dataclass(frozen=True, slots=True)
class Held:
    """A held build, after some edits were replayed onto it."""

    more: bool
    """Whether edits are left to replay."""
    journal: int
    """Ops that are left in the journal."""
    edited_included: int
    """How replayed edits have changed the included count."""
    edited_excluded: int

    def edited(self, side: Side) -> int:
        """How replayed edits have changed the count of one list."""
        return self.edited_included if side == INCLUDED else self.edited_excluded


@dataclass(frozen=True, slots=True)
class Expected:
    """What a held build must contain, from the counts and the edits replayed since."""

    counts: tuple[int, int]
    untouched: bool
    """Whether no edit was replayed onto it, so that it can be unsealed and written again."""


@dataclass(frozen=True, slots=True)
class Published:
    """A list at the moment a revision became live."""

    included_count: int
    excluded_count: int
    edited_included: int
    """How edits made while it was built changed the included count."""
    edited_excluded: int
    version: int

    def count(self, side: Side) -> int:
        """Members of one list."""
        return self.included_count if side == INCLUDED else self.excluded_count

    def edited(self, side: Side) -> int:
        """How edits made while it was built changed the count of one list."""
        return self.edited_included if side == INCLUDED else self.edited_excluded


class BuildStore:
    """Lets one import at a time replace a list.

    An import claims the list, prepares its shards, writes them (``shard_writer.py``), seals the
    build, counts it, perhaps holds it for an approval, and publishes it or cancels. Each of
    these is one script on one node and safe to retry: a reader sees the old revision or the new
    one.

    Every method may raise ``Fenced``, if the import no longer holds the list, and
    ``StoreUnavailable``.
    """

    def __init__(self, database: Database, lists: MembershipStore) -> None:
        self._db = database
        self._lists = lists

    def claim(
        self,
        ref: ListRef,
        import_id: str,
        *,
        waits: bool = False,
        dry_run: bool = False,
        supersedes: bool = False,
        kind: BuilderKind = "import",
    ) -> Claim:
        """Claim the list for an import.

        Edits acknowledged before belong to what it replaces; later ones win over it.

        Args:
            ref: The list.
            import_id: The import.
            waits: Whether it is published only after an approval.
            dry_run: Whether it is never published, and cannot be approved.
            supersedes: Whether it supersedes an import that waits unapproved.
            kind: An import supersedes a re-shard, never the other way round.

        Raises:
            ImportInProgress: another import holds the list.
            Superseded: another import has superseded this one.
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost the record.
        """
        name = self._db.random_name()[:8]
        approval = "never" if dry_run else "awaited" if waits else ""
        args: list[Argument] = [import_id, name, approval, int(supersedes), kind]
        reply = run(self._db, ref, "list/claim", args)
        while reply[0] == b"prune":
            prune_schedules(self._db, ref)
            reply = run(self._db, ref, "list/claim", args)
        figures = require_ok(ref, reply)
        # Reclaiming may have stopped watching the list just before it was claimed.
        self._lists.watch(ref)
        target, base, included, excluded, superseded, last_import, version = figures
        return Claim(
            target=target.decode(),
            base=Revision.parse(base),
            included_count=included,
            excluded_count=excluded,
            superseded=superseded.decode() or None,
            previous=_parse_previous(last_import.decode(), version),
        )

    def prepare(
        self,
        ref: ListRef,
        import_id: str,
        included_bits: int,
        excluded_bits: int,
        *,
        side: Side = INCLUDED,
    ) -> Revision:
        """Set how many shards the new revision has; the first call decides.

        The list that is not changed, other than ``side``, never gets fewer than the live one has.
        """
        bits = (included_bits, excluded_bits)
        return Revision.parse(run(self._db, ref, "list/prepare", [import_id, *bits, side]))

    def target(self, ref: ListRef, import_id: str) -> Revision:
        """Read what :meth:`prepare` fixed.

        Raises:
            Fenced: the import no longer holds the list, or its size was never fixed.
        """
        return Revision.parse(run(self._db, ref, "list/prepare", [import_id]))

    def seal(self, ref: ListRef, import_id: str) -> Sealed:
        """End all writing of shards, so that they can be counted."""
        number, *counts = run(self._db, ref, "list/seal", [import_id, "publish"])
        return Sealed(number, (counts[0], counts[1]) if counts else None)

    def unseal(self, ref: ListRef, import_id: str) -> None:
        """Unseal a build, so that some shards can be written again.

        Raises:
            Fenced: the import no longer holds the list, or is being published.
        """
        run(self._db, ref, "list/seal", [import_id, "gather"])

    def count(self, ref: ListRef, revision: Revision, side: Side, first: int, stop: int) -> int:
        """Count the members of shards ``first`` to ``stop`` (exclusive).

        Cost: 1.5 to 2 µs of server time a shard, in calls of 0.2 ms, of which two are on their
        way at a time.

        Raises:
            ListUnknown: a shard is missing.
        """
        steps = (
            (revision.name, side, start, min(start + _COUNT_STEP, stop) - 1)
            for start in range(first, stop, _COUNT_STEP)
        )
        record, members = self._db.keys.list_record(ref), 0
        for found, missing in run_each(
            self._db, f"count shards of {ref.name}", "list/count_shards", record, steps
        ):
            if missing:
                message = f"{missing} shards of {ref.name} {revision.name} are missing"
                raise ListUnknown(message)
            members += found
        return members

    def publish(
        self,
        ref: ListRef,
        import_id: str,
        *,
        counts: tuple[int, int],
        retire_after_ms: int,
        seal: int,
    ) -> Published | None:
        """Replay some journalled edits; make the revision live when none is left.

        Args:
            ref: The list.
            import_id: The import that built the revision.
            counts: Included and excluded members counted after :meth:`seal`; those of the
                first call are kept.
            retire_after_ms: How long the old revision is kept for its readers.
            seal: Number of the seal under which they were counted.

        Returns:
            The list at the flip, the same on every later call; ``None`` while edits are
            left to replay: call again.

        Raises:
            Unapproved: it is not approved yet.
            Unsealed: the build was unsealed since it was counted. Seal and count again.
        """
        reply = self._replay("list/publish", ref, [import_id, *counts, retire_after_ms, seal])
        if reply[0] == b"more":
            return None
        if reply[0] == b"waits":
            raise Unapproved(f"import {import_id} waits for its approval")
        return Published(*reply[1:])

    def hold(
        self, ref: ListRef, import_id: str, *, counts: tuple[int, int], seal: int
    ) -> Held | None:
        """Replay some edits onto a held build, and drop them from the journal.

        The first call fixes the counts; from then on the import can be approved, and is published
        only then, whether or not its claim said so. Cost: a
        millisecond of server time for 100 edits.

        Args:
            ref: The list.
            import_id: The import that built the revision.
            counts: As for :meth:`publish`.
            seal: The same.

        Returns:
            ``None`` if it no longer waits: it is approved, or was published.

        Raises:
            Unsealed: the build was unsealed since it was counted. Seal and count again.
            OutOfMemory: the server is full.
        """
        reply = self._replay("list/hold", ref, [import_id, *counts, seal])
        return Held(bool(reply[1]), *reply[2:]) if reply[0] == b"held" else None

    def _replay(self, name: ScriptName, ref: ListRef, args: Sequence[Argument]) -> Sequence[Any]:
        reply: Sequence[Any] = run(self._db, ref, name, args)
        if reply[0] == b"lost":
            raise Fenced(f"import {args[0]!s} no longer holds list {ref.name}")
        if reply[0] == b"unsealed":
            message = f"the build of import {args[0]!s} was opened again; seal and count again"
            raise Unsealed(message)
        return reply

    def cancel(
        self, ref: ListRef, import_id: str, *, unapproved: bool = False, by: str = ""
    ) -> bool:
        """End a build without publishing it.

        Args:
            ref: The list.
            import_id: The import.
            unapproved: Do it only if the import is not approved.
            by: Who has asked for it. The import never gets a claim after that, also if it has
                none yet; see :meth:`cancelled_by`.

        Returns:
            Whether nothing was cancelled, because the import had been published or approved
            before.
        """
        return run(self._db, ref, "list/cancel", [import_id, int(unapproved), by]) in (
            b"done",
            b"approved",
        )

    def published(self, ref: ListRef, import_id: str) -> Published | None:
        """Read how this import's revision became live, if it did in the last two days.

        The list record is the arbiter: an import that it names is complete, regardless of what
        happened to its worker or was published since.
        Cost: one round trip.
        """
        figures = self._read_field(ref, f"published:{import_id}")
        return None if figures is None else Published(*map(int, figures.split()[1:]))

    def superseded_by(self, ref: ListRef, import_id: str) -> str | None:
        """The import that superseded this one in the last two days, if any did."""
        text = self._read_field(ref, f"superseded:{import_id}")
        return None if text is None else text.decode().partition(" ")[2]

    def cancelled_by(self, ref: ListRef, import_id: str) -> str | None:
        """Who asked to cancel this import in the last two days, if anybody did."""
        text = self._read_field(ref, f"cancelled:{import_id}")
        return None if text is None else text.decode().partition(" ")[2]

    def journal_ops(self, ref: ListRef) -> int:
        """How many edits of this list are left to replay. Cost: one round trip."""
        return int(self._read_field(ref, "journal") or 0)

    def expected_counts(self, ref: ListRef) -> Expected | None:
        """What the held build of this list contains if nothing was lost.

        Returns:
            ``None`` if its counts are not set: it was never held, or was unsealed since.
        """
        names = ("counted", "replay_included", "replay_excluded", "replayed")
        with driver_errors(f"read list {ref.name}"):
            record = self._db.client.hmget(self._db.keys.list_record(ref), names)
        if record[0] is None:
            return None
        included, excluded = map(int, record[0].split())
        return Expected(
            (included + int(record[1] or 0), excluded + int(record[2] or 0)),
            untouched=record[3] == b"0-0",
        )

    def _read_field(self, ref: ListRef, name: str) -> bytes | None:
        with driver_errors(f"read list {ref.name}"):
            return self._db.client.hget(self._db.keys.list_record(ref), name)


def _parse_previous(text: str, version: int) -> PreviousImport | None:
    if not text:
        return None
    import_id, published_ms, its_version = text.split()
    return PreviousImport(import_id, int(published_ms), version - int(its_version))
