"""Imports that wait for their approval, beside plain sets."""

from hypothesis.stateful import precondition, rule

from tests.property.worker.store.lists.import_machine import ImportMachine, builds
from tests.support.store.building import run
from worker.store.keyspace import EXCLUDED, INCLUDED


class ApprovalMachine(ImportMachine):
    """All that an import does, and what is done to one that waits."""

    @precondition(builds(lambda build: build.waits and build.seal is not None))
    @rule()
    def hold(self) -> None:
        build = self.build
        if build.approved:
            assert self.store.builds.hold(self.ref, build.import_id, counts=(7, 7), seal=0) is None
            return
        assert self.store.builds.journal_ops(self.ref) == build.journal
        held = self.hold_once()
        while held.more:
            build.replaying = True
            held = self.hold_once()
        build.touched |= build.journal > 0
        build.replaying, build.journal = True, 0
        result = build.result
        counts = len(result[INCLUDED]), len(result[EXCLUDED])
        assert held.journal == self.store.builds.journal_ops(self.ref) == 0
        assert (held.edited_included, held.edited_excluded) == (
            counts[0] - build.counts[0],
            counts[1] - build.counts[1],
        )
        expected = self.store.builds.expected_counts(self.ref)
        assert expected is not None
        assert (expected.counts, expected.untouched) == (counts, not build.touched)

    @precondition(builds(lambda _: True))
    @rule()
    def approve(self) -> None:
        build = self.build
        reply = run(self.store, "list/approve", self.ref, build.import_id)
        if not build.waits:
            assert reply == b"unasked"
        elif build.approved or build.replaying:
            assert reply == b"ok"
            build.approved = True
        else:
            assert reply == b"unbuilt"

    @precondition(builds(lambda build: build.seal is not None))
    @rule()
    def approve_and_publish(self) -> None:
        if self.build.waits:
            self.hold()
            self.approve()
        self.publish()

    @precondition(builds(lambda _: True))
    @rule()
    def cancel_if_unapproved(self) -> None:
        build = self.build
        kept = self.store.builds.cancel(self.ref, build.import_id, unapproved=True)
        assert kept != build.unapproved
        if not kept:
            self.give_up()
