"""Lists attached to segments of a project: like any other list, and freed with the segment."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final, cast

import pytest

from tests.support.store.stores import keys_of, raw
from worker.jobs.services import Services
from worker.store import (
    Edit,
    EnvironmentRef,
    ImportRequest,
    JobRef,
    NewProjectSegment,
    Project,
    ProjectSegment,
    ProjectSegmentChange,
    SegmentBounds,
    SegmentNotFound,
    Store,
    TooManyLists,
    TooManySegments,
    admit_import,
    assemble,
    attach_list,
    create_project,
    delete_project,
    delete_project_segment,
    detach_list,
)
from worker.store.keyspace import PROJECT_LISTS
from worker.store.server.database import Database
from worker.store.workflows import (
    finish_deletions,
    lists_to_reclaim,
    reclaim_list,
    settle_lists,
    survey_lists,
)
from worker.store.workflows.attaching import MOST_LISTS
from worker.upkeep.tidy import finish_deleted

ROOMY: Final = SegmentBounds(1_000, 1_000_000)
LISTS: Final = EnvironmentRef.of_project("default")
NAME: Final = "include/user/id"
LATER_MS: Final = 3_600_000


def _project(store: Store) -> Project:
    return store.projects.get("default")


def _segment(store: Store, slug: str = "beta") -> ProjectSegment:
    new = NewProjectSegment(id=f"id-{slug}", slug=slug, label="Beta", hint="", data="{}")
    return store.project_segments.create(_project(store), new, ROOMY)


def _attach(store: Store, segment: ProjectSegment, name: str = NAME) -> str:
    made, _ = attach_list(store, _project(store), segment.id, name, "beta's", ROOMY)
    return made.key


def _lists_of(store: Store, segment: ProjectSegment) -> dict[str, str]:
    return dict(store.project_segments.get(_project(store), segment.id).segment.lists)


def _delete(store: Store, segment: ProjectSegment) -> None:
    project = _project(store)
    current = store.project_segments.get(project, segment.id).segment
    delete_project_segment(store, project, current)


def _later(store: Store) -> Store:
    """The same store an hour later."""
    database: Database = dataclasses.replace(
        store.database, now_ms=lambda: store.database.now_ms() + LATER_MS
    )
    return assemble(database)


def _upkeep(store: Store) -> int:
    """Do the chore of upkeep that frees what was cut off."""
    nothing = cast("Any", None)
    return finish_deleted(Services(store, nothing, nothing, nothing, nothing, nothing, nothing))


def _reclaim(store: Store) -> None:
    """Do upkeep's part."""
    for env in store.environments.list_refs():
        for job in store.jobs.active(env):
            store.jobs.forget(job)
        for ref in lists_to_reclaim(store, env):
            reclaim_list(store, ref)
    finish_deletions(store)


def _list_keys(store: Store) -> list[str]:
    """Give the keys of lists of projects, and of what is noted of them."""
    kept = ("generations", "state", "audit", "import:")
    return [
        key
        for key in keys_of(store)
        if f":{PROJECT_LISTS}" in key and not any(word in key for word in kept)
    ]


class AttachedListSuite:
    def test_attach__first_time__makes_an_empty_list_that_the_segment_names(
        self, store: Store
    ) -> None:
        segment, project = _segment(store), _project(store)

        made, is_new = attach_list(store, project, segment.id, NAME, "beta's", ROOMY)

        assert is_new
        assert _lists_of(store, segment) == {NAME: made.key}
        assert (made.env, made.name, made.unbounded) == (LISTS, "beta's", True)
        assert store.memberships.state(made.ref).included_count == 0
        assert survey_lists(store, store.environments.list_refs()).lists == 1
        assert not raw(store).exists(store.keyspace.unsettled_lists(LISTS))

    def test_attach__again__is_the_same_list(self, store: Store) -> None:
        segment, project = _segment(store), _project(store)
        made, _ = attach_list(store, project, segment.id, NAME, "beta's", ROOMY)

        assert attach_list(store, project, segment.id, NAME, "x", ROOMY) == (made, False)
        assert _attach(store, segment, "exclude/user/id") != made.key
        assert len(_lists_of(store, segment)) == 2

    def test_attach__no_such_segment__leaves_nothing(self, store: Store) -> None:
        with pytest.raises(SegmentNotFound):
            attach_list(store, _project(store), "none", NAME, "x", ROOMY)
        assert not _list_keys(store)

    def test_attach__over_the_bytes_of_the_project__leaves_nothing(self, store: Store) -> None:
        segment = _segment(store)
        full = SegmentBounds(1_000, 1)
        with pytest.raises(TooManySegments):
            attach_list(store, _project(store), segment.id, NAME, "x", full)
        _reclaim(store)
        assert not _list_keys(store)
        assert _lists_of(store, segment) == {}

    def test_attach__over_the_number_of_a_segment__is_refused(self, store: Store) -> None:
        segment = _segment(store)
        names = {f"include/user/a{number}": f"k{number}" for number in range(MOST_LISTS - 1)}
        fields = [field.name for field in dataclasses.fields(ProjectSegmentChange)]
        same = {name: getattr(segment, name) for name in fields}
        change = ProjectSegmentChange(**{**same, "lists": names})
        store.project_segments.update(_project(store), segment, change, ROOMY)
        _attach(store, segment, "include/user/last")
        with pytest.raises(TooManyLists):
            _attach(store, segment, "include/user/more")

    def test_attached__any__is_in_no_environment_that_callers_know(self, store: Store) -> None:
        _attach(store, _segment(store))

        known = [one.key for one in store.environments.read_all("default")]
        assert known == ["production", "test"]
        assert LISTS in store.environments.list_refs()
        for key in known:
            assert not store.segments.read_all(EnvironmentRef("default", key))

    def test_detach__with_an_import__frees_all_of_it(self, store: Store) -> None:
        segment = _segment(store)
        key = _attach(store, segment)
        ref = store.segments.get(LISTS, key).ref
        store.memberships.edit(ref, [Edit("i+", "a")])
        admit_import(store, ImportRequest("i1", ref, "merge", (), allow_empty=True, created_ms=1))

        assert detach_list(store, _project(store), segment.id, NAME, ROOMY) == key

        assert _lists_of(store, segment) == {}
        state = store.jobs.get(JobRef("import", LISTS, "i1"))
        assert (state.status, state.reason) == ("stopped", "segment deleted")
        _reclaim(store)
        assert not _list_keys(store)
        with pytest.raises(SegmentNotFound, match=NAME):
            detach_list(store, _project(store), segment.id, NAME, ROOMY)

    def test_attach__after_a_detach__is_another_list(self, store: Store) -> None:
        segment = _segment(store)
        first = _attach(store, segment)
        detach_list(store, _project(store), segment.id, NAME, ROOMY)
        assert _attach(store, segment) != first

    def test_delete__segment__frees_its_lists_and_no_others(self, store: Store) -> None:
        segment, other = _segment(store), _segment(store, "other")
        _attach(store, segment)
        _attach(store, segment, "exclude/user/id")
        kept = _attach(store, other)

        _delete(store, segment)
        _reclaim(store)

        assert [one.key for one in store.segments.read_remaining(LISTS)] == [kept]
        assert survey_lists(store, store.environments.list_refs()).lists == 1
        _delete(store, other)
        _reclaim(store)
        assert not _list_keys(store)

    def test_delete__project__frees_its_lists(self, store: Store) -> None:
        create_project(
            store, Project("other", "Other", 1), [store.environments.new("live", "Live")]
        )
        _attach(store, _segment(store))

        delete_project(store, "default")
        _reclaim(store)

        assert not _list_keys(store)
        assert not store.environments.records("default").list_keys()

    def test_project__created_again__has_lists_of_its_own(self, store: Store) -> None:
        create_project(
            store, Project("other", "Other", 1), [store.environments.new("live", "Live")]
        )
        first = _attach(store, _segment(store))
        delete_project(store, "default")
        create_project(store, Project("default", "Again", 2), [])

        second = _attach(store, _segment(store))

        assert second != first
        assert [one.key for one in store.segments.read_remaining(LISTS)] == [second]

    @pytest.mark.parametrize("step", ["segments.create", "project_segments.update"])
    def test_attach__cut_off__is_freed_by_upkeep(
        self, store: Store, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segment = _segment(store)
        _cut_off_before(store, step, monkeypatch)
        with pytest.raises(_CutOffError):
            _attach(store, segment)
        monkeypatch.undo()

        assert settle_lists(store) == 0
        assert settle_lists(_later(store)) == 1

        _reclaim(store)
        assert not _list_keys(store)

    def test_attach__cut_off_at_its_end__stays_attached(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segment = _segment(store)
        _cut_off_before(store, "memberships.state", monkeypatch)
        unsettled = store.keyspace.unsettled_lists(LISTS)
        with pytest.raises(_CutOffError):
            _attach(store, segment)
        monkeypatch.undo()
        (key,) = _lists_of(store, segment).values()
        store.client.zadd(unsettled, {key: 1})

        assert settle_lists(store) == 0

        assert not raw(store).exists(unsettled)
        assert store.memberships.state(store.segments.get(LISTS, key).ref).included_count == 0

    def test_delete__cut_off_after_the_segment__frees_its_lists_later(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segment = _segment(store)
        _attach(store, segment)
        _cut_off_before(store, "segments.delete", monkeypatch)
        with pytest.raises(_CutOffError):
            _delete(store, segment)
        monkeypatch.undo()

        assert _upkeep(_later(store)) == 1

        _reclaim(store)
        assert not _list_keys(store)

    def test_attach__list_freed_meanwhile__is_attached_anew(self, store: Store) -> None:
        """Its process stood still for ten minutes before the segment named the list."""
        segment = _segment(store)
        key = _attach(store, segment)
        store.segments.delete(LISTS, key)

        again = _attach(store, segment)

        assert again != key
        assert _lists_of(store, segment) == {NAME: again}


class _CutOffError(Exception):
    """The process ended here."""


def _cut_off_before(store: Store, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process end where this step would begin."""
    part, _, name = step.partition(".")

    def cut_off(*_: object, **__: object) -> object:
        raise _CutOffError

    ended: Callable[..., object] = cut_off
    monkeypatch.setattr(type(getattr(store, part)), name, ended)
