"""Projects and environments come, go with all they held, and come again empty."""

import dataclasses
from typing import Any, Final, cast

import pytest

from tests.conformance.suite.schedules import PAST, change
from tests.support.store.stores import SCOPE, clock_ms, keys_of, raw
from tests.support.systems.held_imports import hold_import
from worker.jobs.services import Context
from worker.store import (
    Edit,
    EnvironmentExists,
    EnvironmentNotFound,
    ImportRequest,
    JobRef,
    LastProject,
    ListUnknown,
    NewSegment,
    Place,
    PlaceChanged,
    ProjectExists,
    ProjectNotFound,
    Scope,
    SegmentNotFound,
    Store,
    admit_import,
    create_environment,
    create_project,
    delete_environment,
    delete_project,
)
from worker.store.keyspace import INCLUDED
from worker.store.projects.records import PlaceRecord
from worker.store.segments.definitions import DefinitionChange
from worker.store.segments.expiry import save_target_schedules
from worker.store.segments.target_schedules import TargetSchedule
from worker.store.workflows.deleting import finish_deletions
from worker.store.workflows.reclaiming import lists_to_reclaim, reclaim_list
from worker.upkeep.expiry import expire_due, mend_hints

OTHER: Final = Scope("other", "live")
BIG: Final = NewSegment("big", "Big", unbounded=True)


def _project(store: Store) -> None:
    environment = store.environments.new_environment("live", "Live")
    create_project(store, Place("other", "Other", 1, ("t",), {"x": [1]}), [environment])


def _filled(store: Store, scope: Scope) -> list[str]:
    """Create a standard and a big segment; give all keys about them."""
    small = store.segments.create(scope, NewSegment("small", "Small"))
    store.segments.update(small, DefinitionChange("Small", None, (), '{"included":["a"]}'))
    big = store.segments.create(scope, BIG)
    store.memberships.edit(big.ref, [Edit("i+", "a")])
    return [key for key in keys_of(store) if f":{scope.environment}" in key and "gener" not in key]


def _tidied(store: Store) -> int:
    """Do upkeep's part."""
    for scope in store.environments.scopes():
        for job in store.jobs.active(scope):
            store.jobs.forget(job)
        for ref in lists_to_reclaim(store, scope):
            reclaim_list(store, ref)
    return finish_deletions(store)


class EnvironmentSuite:
    def test_initialise__store_with_a_project__adds_none(self, store: Store) -> None:
        _project(store)
        delete_environment(store, Scope("default", "test"))
        _tidied(store)
        store.environments.initialise()
        assert [one.key for one in store.environments.environments("default")] == ["production"]
        delete_project(store, "default")
        _tidied(store)
        store.environments.initialise()
        assert [one.key for one in store.environments.projects()] == ["other"]

    def test_create__project__is_found_with_its_environments(self, store: Store) -> None:
        _project(store)
        project = store.environments.project("other")
        assert (project.name, project.tags, project.details) == ("Other", ("t",), {"x": [1]})
        found = store.environments.environments("other")
        assert [one.key for one in found] == ["live"]
        assert store.environments.environment(OTHER) == found[0]
        assert found[0].sdk_key.startswith("sdk-")
        assert OTHER in store.environments.scopes()
        assert [one.key for one in store.environments.projects()] == ["default", "other"]

    def test_create__key_taken__is_refused(self, store: Store) -> None:
        _project(store)
        with pytest.raises(ProjectExists):
            _project(store)
        with pytest.raises(EnvironmentExists):
            create_environment(store, "other", Place("live", "Again", 1))
        with pytest.raises(ProjectNotFound):
            create_environment(store, "none", Place("live", "Live", 1))
        assert store.environments.environment(OTHER).name == "Live"

    def test_update__as_it_was_read__is_written_and_else_not(self, store: Store) -> None:
        _project(store)
        project, environment = store.environments.project("other"), store.environments
        changed = dataclasses.replace(project, name="Changed")
        store.environments.update_project(project, changed)
        with pytest.raises(PlaceChanged):
            store.environments.update_project(project, changed)
        assert store.environments.project("other") == changed
        live = environment.environment(OTHER)
        environment.update_environment("other", live, dataclasses.replace(live, tags=("a",)))
        assert environment.environment(OTHER).tags == ("a",)

    def test_delete__environment__hides_and_frees_all_it_held(self, store: Store) -> None:
        _project(store)
        assert _filled(store, OTHER)
        ref = store.segments.get(OTHER, "big").ref
        request = ImportRequest("i1", ref, "merge", (), allow_empty=True, created_ms=1)
        admit_import(store, request)
        delete_environment(store, OTHER)
        for call in (store.segments.list, store.environments.environment):
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
        upkeep = Context(store, nothing, nothing, nothing, clock_ms, nothing, nothing)
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
            create_environment(store, "other", Place("live", f"Live {turn}", 1))
            assert store.segments.list(OTHER) == []
            assert store.segments.read_many(OTHER, ["small", "big"]) == [None, None]
        _tidied(store)
        _filled(store, OTHER)
        assert finish_deletions(store) == 0
        assert len(store.segments.list(OTHER)) == 2

    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_finish__made_anew_meanwhile__leaves_the_new_one(
        self, store: Store, times: int
    ) -> None:
        """A finisher that still holds the old record must not touch what came after."""
        _project(store)
        olds = []
        for _ in range(times):
            delete_environment(store, OTHER)
            olds.append(store.environments.environment_record(OTHER))
            create_environment(store, "other", Place("live", "Anew", 1))
        old = olds[0]
        _filled(store, OTHER)
        read = store.environments.environment_record

        def late(scope: Scope) -> PlaceRecord | None:
            return old if scope == OTHER else read(scope)

        store.environments.environment_record = late  # type: ignore[method-assign]  # a slow reader
        finish_deletions(store)
        store.environments.environment_record = read  # type: ignore[method-assign]  # as it was
        assert len(store.segments.list(OTHER)) == 2

    def test_delete__environment__exported_files_are_due(self, store: Store) -> None:
        _project(store)
        exports = store.keyspace.expiring_exports()
        kept, dropped = (str(JobRef("export", scope, "e1")) for scope in (SCOPE, OTHER))
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
        create_environment(store, "other", Place("live", "Anew", 1))
        assert _filled(store, OTHER)

    def test_delete__project__takes_its_environments_along(self, store: Store) -> None:
        _project(store)
        _filled(store, OTHER)
        delete_project(store, "other")
        with pytest.raises(ProjectNotFound):
            store.environments.environments("other")
        with pytest.raises(ProjectNotFound):
            store.segments.list(OTHER)
        _project(store)
        assert store.segments.list(OTHER) == []
        delete_project(store, "other")
        assert _tidied(store) == 2
        assert store.keyspace.environments("other") not in keys_of(store)

    def test_delete__last_project__is_refused(self, store: Store) -> None:
        with pytest.raises(LastProject):
            delete_project(store, "default")
        assert store.environments.project("default").name == "Default"

    def test_put__record_not_as_expected__stays(self, store: Store) -> None:
        key, put = store.keyspace.projects(), store.environments.put
        before = store.environments.project_record("default")
        for expected in (None, b"{}"):
            assert not put(key, "default", expected, "{}")
            assert not put(key, "default", expected, None)
        assert not put(key, "none", b"{}", "{}")
        assert store.environments.project_record("default") == before
        assert store.environments.project_record("none") is None

    def test_put__last_record_to_keep__stays(self, store: Store) -> None:
        key = store.keyspace.projects()
        record = store.environments.project_record("default")
        assert record is not None
        assert not store.environments.put(key, "default", record.text, None, keep_last=True)
        store.client.unlink(key)
        with pytest.raises(ListUnknown):
            store.environments.environment(Scope("default", "none"))

    def test_delete__while_others_create_segments__leaves_none(self, store: Store) -> None:
        """A creation that has found the environment in time is still refused."""
        _project(store)
        require = store.environments.require

        def late(scope: Scope) -> None:
            require(scope)
            store.environments.require = require  # type: ignore[method-assign]  # once
            delete_environment(store, scope)

        store.environments.require = late  # type: ignore[method-assign]  # a slow caller
        with pytest.raises(EnvironmentNotFound):
            store.segments.create(OTHER, NewSegment("small", "Small"))
        create_environment(store, "other", Place("live", "Anew", 1))
        assert store.segments.list(OTHER) == []
        assert store.segments.list(SCOPE) == []
