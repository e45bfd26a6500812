"""Projects and environments come, go with all they held, and come again empty."""

import dataclasses
from typing import Any, Final, cast

import pytest

from tests.conformance.suite.schedules import PAST, change
from tests.support.store.stores import PRODUCTION, clock_ms, keys_of, raw
from tests.support.systems.held_imports import hold_import
from worker.jobs.services import Services
from worker.store import (
    Edit,
    Environment,
    EnvironmentExists,
    EnvironmentNotFound,
    EnvironmentRef,
    ImportRequest,
    JobRef,
    LastProject,
    ListUnknown,
    NewSegment,
    Project,
    ProjectExists,
    ProjectNotFound,
    ResourceChanged,
    SegmentNotFound,
    Store,
    admit_import,
    create_environment,
    create_project,
    delete_environment,
    delete_project,
)
from worker.store.keyspace import INCLUDED
from worker.store.projects.records import Record, RecordHash
from worker.store.segments.definitions import DefinitionChange, TargetSchedule
from worker.store.segments.expiry import save_target_schedules
from worker.store.workflows import finish_deletions, lists_to_reclaim, reclaim_list
from worker.upkeep.expiry import expire_due, mend_hints

OTHER: Final = EnvironmentRef("other", "live")
BIG: Final = NewSegment("big", "Big", unbounded=True)


def _project(store: Store) -> None:
    environment = store.environments.new("live", "Live")
    create_project(store, Project("other", "Other", 1, ("t",), {"x": [1]}), [environment])


def _filled(store: Store, env: EnvironmentRef) -> list[str]:
    """Create a standard and a big segment; give all keys about them."""
    small = store.segments.create(env, NewSegment("small", "Small"))
    store.segments.update(small, DefinitionChange("Small", None, (), '{"included":["a"]}'))
    big = store.segments.create(env, BIG)
    store.memberships.edit(big.ref, [Edit("i+", "a")])
    return [key for key in keys_of(store) if f":{env.environment}" in key and "gener" not in key]


def _tidied(store: Store) -> int:
    """Do upkeep's part."""
    for env in store.environments.list_refs():
        for job in store.jobs.active(env):
            store.jobs.forget(job)
        for ref in lists_to_reclaim(store, env):
            reclaim_list(store, ref)
    return finish_deletions(store)


class EnvironmentSuite:
    def test_initialise__store_with_a_project__adds_none(self, store: Store) -> None:
        _project(store)
        delete_environment(store, EnvironmentRef("default", "test"))
        _tidied(store)
        store.environments.initialise()
        assert [one.key for one in store.environments.read_all("default")] == ["production"]
        delete_project(store, "default")
        _tidied(store)
        store.environments.initialise()
        assert [one.key for one in store.projects.read_all()] == ["other"]

    def test_create__project__is_found_with_its_environments(self, store: Store) -> None:
        _project(store)
        project = store.projects.get("other")
        assert (project.name, project.tags, project.details) == ("Other", ("t",), {"x": [1]})
        found = store.environments.read_all("other")
        assert [one.key for one in found] == ["live"]
        assert store.environments.get(OTHER) == found[0]
        assert found[0].sdk_key == ""
        assert OTHER in store.environments.list_refs()
        assert [one.key for one in store.projects.read_all()] == ["default", "other"]

    def test_create__key_taken__is_refused(self, store: Store) -> None:
        _project(store)
        with pytest.raises(ProjectExists):
            _project(store)
        with pytest.raises(EnvironmentExists):
            create_environment(store, "other", Environment("live", "Again", 1))
        with pytest.raises(ProjectNotFound):
            create_environment(store, "none", Environment("live", "Live", 1))
        assert store.environments.get(OTHER).name == "Live"

    def test_update__as_it_was_read__is_written_and_else_not(self, store: Store) -> None:
        _project(store)
        project, environments = store.projects.get("other"), store.environments
        changed = dataclasses.replace(project, name="Changed")
        store.projects.update(project, changed)
        with pytest.raises(ResourceChanged):
            store.projects.update(project, changed)
        assert store.projects.get("other") == changed
        live = environments.get(OTHER)
        environments.update("other", live, dataclasses.replace(live, tags=("a",)))
        assert environments.get(OTHER).tags == ("a",)

    def test_delete__environment__hides_and_frees_all_it_held(self, store: Store) -> None:
        _project(store)
        assert _filled(store, OTHER)
        ref = store.segments.get(OTHER, "big").ref
        request = ImportRequest("i1", ref, "merge", (), allow_empty=True, created_ms=1)
        admit_import(store, request)
        delete_environment(store, OTHER)
        for call in (store.segments.read_all, store.environments.get):
            with pytest.raises(EnvironmentNotFound):
                call(OTHER)
        with pytest.raises(SegmentNotFound):
            store.memberships.look_up(ref, ["a"])
        with pytest.raises(EnvironmentNotFound):
            delete_environment(store, OTHER)
        state = store.jobs.get(request.ref)
        assert (state.status, state.reason) == ("stopped", "environment deleted")
        assert _tidied(store) == 1
        keys = store.keyspace
        left = {key for key in keys_of(store) if "{other" in key}
        job = keys.job(OTHER, "import", "i1")
        assert left == {keys.generations(OTHER), keys.environment_state(OTHER), job}

    def test_delete__environment_with_schedules_and_imports_that_wait__frees_them(
        self, store: Store
    ) -> None:
        _project(store)
        _filled(store, OTHER)
        small = store.segments.read(OTHER, "small")
        soon = [TargetSchedule("1", 1, INCLUDED, "user", "a", PAST)]
        save_target_schedules(store.database, store.segments, small, soon)
        ref = store.segments.get(OTHER, "big").ref
        store.memberships.edit(ref, [Edit("i+", "b")])
        change(store, ref, "add", "a", "b")
        jobs = []
        for import_id in ("i1", "i2"):
            request = ImportRequest(
                import_id, ref, "replace", (), allow_empty=True, created_ms=1, waits=True
            )
            jobs.append(admit_import(store, request))
            hold_import(store, request.ref, ["new"])
            store.memberships.edit(ref, [Edit("i+", f"while {import_id} waits")])
        assert jobs == [None, JobRef("import", OTHER, "i1")]
        delete_environment(store, OTHER)
        expire_due(store)
        assert raw(store).zcard(store.keyspace.expiry_hints()) == 1, "of what is due later"
        nothing = cast("Any", None)
        upkeep = Services(store, nothing, nothing, nothing, clock_ms, nothing, nothing)
        assert mend_hints(upkeep) == 0
        assert _tidied(store) == 1
        keys = store.keyspace
        left = {key for key in keys_of(store) if "{other" in key}
        records = {keys.job(OTHER, "import", import_id) for import_id in ("i1", "i2")}
        assert left == {keys.generations(OTHER), keys.environment_state(OTHER), *records}
        assert keys.expiry_hints() not in keys_of(store)

    def test_create__environment_deleted_before__starts_empty(self, store: Store) -> None:
        """Whether upkeep has come by or not, nothing is left but the generations."""
        _project(store)
        for turn in (1, 2, 3):
            _filled(store, OTHER)
            assert store.segments.get(OTHER, "big").generation == turn
            delete_environment(store, OTHER)
            if turn == 2:
                _tidied(store)
            create_environment(store, "other", Environment("live", f"Live {turn}", 1))
            assert store.segments.read_all(OTHER) == []
            assert store.segments.read_many(OTHER, ["small", "big"]) == [None, None]
        _tidied(store)
        _filled(store, OTHER)
        assert finish_deletions(store) == 0
        assert len(store.segments.read_all(OTHER)) == 2

    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_finish__made_anew_meanwhile__leaves_the_new_one(
        self, store: Store, times: int
    ) -> None:
        """A finisher that still holds the old record must not touch what came after."""
        _project(store)
        olds = []
        for _ in range(times):
            delete_environment(store, OTHER)
            olds.append(store.environments.records("other").find("live"))
            create_environment(store, "other", Environment("live", "Anew", 1))
        old = olds[0]
        _filled(store, OTHER)
        read = store.environments.records

        def late(project: str) -> RecordHash[Environment]:
            records = read(project)
            find = records.find
            records.find = lambda key: old if (project, key) == ("other", "live") else find(key)  # type: ignore[method-assign]  # a slow reader
            return records

        store.environments.records = late  # type: ignore[method-assign]  # a slow reader
        finish_deletions(store)
        store.environments.records = read  # type: ignore[method-assign]  # as it was
        assert len(store.segments.read_all(OTHER)) == 2

    def test_delete__environment__exported_files_are_due(self, store: Store) -> None:
        _project(store)
        exports = store.keyspace.expiring_exports()
        kept, dropped = (str(JobRef("export", env, "e1")) for env in (PRODUCTION, OTHER))
        store.client.zadd(exports, {kept: 5_000.0, dropped: 5_000.0})

        delete_environment(store, OTHER)

        assert store.client.zrangebyscore(exports, 0, 1, start=0, num=9) == [dropped.encode()]
        assert store.client.zrangebyscore(exports, 2, 9_999, start=0, num=9) == [kept.encode()]

    def test_delete__closed_by_a_deletion_that_was_forgotten__can_be_made_anew(
        self, store: Store
    ) -> None:
        _project(store)
        store.client.hset(store.keyspace.environment_state(OTHER), "closed", "1-forgotten")
        with pytest.raises(EnvironmentNotFound):
            _filled(store, OTHER)
        delete_environment(store, OTHER)
        create_environment(store, "other", Environment("live", "Anew", 1))
        assert _filled(store, OTHER)

    def test_delete__project__takes_its_environments_along(self, store: Store) -> None:
        _project(store)
        _filled(store, OTHER)
        delete_project(store, "other")
        with pytest.raises(ProjectNotFound):
            store.environments.read_all("other")
        with pytest.raises(ProjectNotFound):
            store.segments.read_all(OTHER)
        _project(store)
        assert store.segments.read_all(OTHER) == []
        delete_project(store, "other")
        assert _tidied(store) == 2
        assert store.keyspace.environments("other") not in keys_of(store)

    def test_delete__last_project__is_refused(self, store: Store) -> None:
        with pytest.raises(LastProject):
            delete_project(store, "default")
        assert store.projects.get("default").name == "Default"

    def test_put__record_not_as_expected__stays(self, store: Store) -> None:
        records = store.projects.records
        before = records.find("default")
        assert before is not None
        other, absent = (dataclasses.replace(before.value, key=key) for key in ("default", "none"))
        assert not records.put(None, other)
        assert not records.put(Record(b"{}", other), other)
        assert not records.remove(Record(b"{}", other))
        assert not records.put(Record(b"{}", absent), absent)
        assert records.find("default") == before
        assert records.find("none") is None

    def test_put__last_record_to_keep__stays(self, store: Store) -> None:
        record = store.projects.records.find("default")
        assert record is not None
        assert not store.projects.records.remove(record, keep_last=True)
        store.client.unlink(store.keyspace.projects())
        with pytest.raises(ListUnknown):
            store.environments.get(EnvironmentRef("default", "none"))

    def test_delete__while_others_create_segments__leaves_none(self, store: Store) -> None:
        """A creation that has found the environment in time is still refused."""
        _project(store)
        require = store.environments.require

        def late(env: EnvironmentRef) -> None:
            require(env)
            store.environments.require = require  # type: ignore[method-assign]  # once
            delete_environment(store, env)

        store.environments.require = late  # type: ignore[method-assign]  # a slow caller
        with pytest.raises(EnvironmentNotFound):
            store.segments.create(OTHER, NewSegment("small", "Small"))
        create_environment(store, "other", Environment("live", "Anew", 1))
        assert store.segments.read_all(OTHER) == []
        assert store.segments.read_all(PRODUCTION) == []
