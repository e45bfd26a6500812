"""Totals of all processes count a batch once; a survey adds up what there is."""

from tests.support.store.building import build, publish
from tests.support.store.stores import PRODUCTION, clock_ms, new_list
from worker.store import Edit, Store
from worker.store.monitoring import ListFigures, Survey
from worker.store.workflows import survey_lists

SURVEY = Survey(
    taken_ms=1,
    took_ms=2,
    skew_ms=-3,
    jobs={"import:running": 4},
    queue_age_ms=5,
    queue_depths={"bigseg.work": 6},
    lists=ListFigures(7, 8, 9, 10, 11, 12),
    memory=None,
    reserved_bytes=13,
)


class MonitoringSuite:
    def test_count__batch_that_is_sent_again__is_added_once(self, store: Store) -> None:
        board = store.monitoring
        assert board.count("a", 1, {"x": 2, "y:z": 5})
        assert not board.count("a", 1, {"x": 2, "y:z": 5})
        assert board.count("b", 1, {"x": 1})
        assert board.count("a", 2, {"x": 4})
        assert not board.count("a", 1, {"x": 2})

        assert board.read().counts == {"x": 7, "y:z": 5}

    def test_read__of_an_empty_store__has_the_servers_time_only(self, store: Store) -> None:
        found = store.monitoring.read()

        assert abs(found.now_ms - clock_ms()) < 5_000
        assert not found.counts
        assert found.survey is None

    def test_survey__kept__is_what_is_read_until_the_next(self, store: Store) -> None:
        store.monitoring.put_survey(SURVEY)
        assert store.monitoring.read().survey == SURVEY
        store.client.set(store.keyspace.survey(), "{}", px=60_000, nx=False)
        assert store.monitoring.read().survey is None, "another release wrote it"

    def test_survey_lists__after_an_import__tells_what_is_yet_to_be_freed(
        self, store: Store
    ) -> None:
        new_list(store, "other")
        ref = new_list(store)
        store.memberships.edit(ref, [Edit("i+", "a"), Edit("e+", "b")])
        before = survey_lists(store, [PRODUCTION])
        target = build(store, ref, "i1", ["c", "d", "e"])
        building = survey_lists(store, [PRODUCTION])
        publish(store, ref, "i1", target, retire_after_ms=60_000)
        after = survey_lists(store, [PRODUCTION])

        assert (before.lists, before.members, before.revisions, before.backlog) == (2, 2, 2, 0)
        assert (building.revisions, building.backlog) == (3, 0)
        assert (after.lists, after.revisions, after.backlog, after.kept) == (2, 3, 0, 1)
        assert after.kept_shards == before.shards - 2, "the other list has two shards"
        store.revisions.publish(ref, 0)
        build(store, ref, "i2", ["f"])
        store.builds.cancel(ref, "i2")
        cancelled = survey_lists(store, [PRODUCTION])
        assert (cancelled.revisions, cancelled.backlog, cancelled.kept) == (4, 1, 1)
        assert cancelled.backlog_shards == 32
