"""Flags of a project: their definitions are kept with the segments that they name."""

from typing import Final

import pytest

from tests.support.store.stores import raw
from worker.store import (
    DefinitionsNotFound,
    FlagDefinitions,
    NewProjectSegment,
    Project,
    ProjectNotFound,
    ProjectSegment,
    ProjectSegments,
    ResourceChanged,
    SegmentBounds,
    SegmentReferenced,
    Store,
    TooManySegments,
    UnreadableRecord,
    assemble,
    create_project,
    delete_project,
)

_ROOMY: Final = SegmentBounds(100, 100_000)
_DOCUMENT: Final = '{"flag":{"variants":["a\\n"]}}'


def _project(store: Store) -> Project:
    return store.projects.get("default")


def _create(store: Store, slug: str = "beta") -> ProjectSegment:
    new = NewProjectSegment(id=f"id-{slug}", slug=slug, label="", hint="", data="{}")
    return store.project_segments.create(_project(store), new, _ROOMY)


def _read(store: Store) -> ProjectSegments:
    return store.project_segments.read_all(_project(store))


def _put(
    store: Store, document: str = _DOCUMENT, bounds: SegmentBounds = _ROOMY
) -> FlagDefinitions:
    users = {"id-beta": ("flag", "other")}
    return store.flags.put_definitions(
        _project(store), document, users, bounds, flag_count=1, seen=_read(store)
    )


class FlagSuite:
    def test_definitions__written__are_read_with_the_segments(self, store: Store) -> None:
        segment = _create(store)
        assert _read(store).definitions is None
        assert _read(store).flags() == {}
        written = _put(store)
        found = _read(store)
        assert found.definitions == written
        assert written.document == _DOCUMENT
        assert found.flags() == {segment.id: ("flag", "other")}
        assert [*found.by_id.values()] == [segment]
        again = _put(store)
        assert again.revision != written.revision
        assert _read(store).definitions == again

    def test_definitions__changed_by_another_process__are_read_again(self, store: Store) -> None:
        _create(store)
        other = assemble(store.database)
        _put(store)
        before = _read(store)
        assert _read(store) is before
        changed = _put(other, "{}")
        assert _read(store).definitions == changed
        other.flags.delete_definitions(_project(store), seen=_read(other))
        assert _read(store).definitions is None

    def test_write__others_changed_since_they_were_seen__is_refused(self, store: Store) -> None:
        seen, project = _read(store), _project(store)
        segment = _create(store)
        with pytest.raises(ResourceChanged):
            store.flags.put_definitions(project, "{}", {}, _ROOMY, flag_count=1, seen=seen)
        seen = _read(store)
        written = _put(store)
        assert segment.id in seen.by_id
        with pytest.raises(ResourceChanged):
            store.flags.delete_definitions(project, seen=seen)
        assert _read(store).definitions == written

    def test_segment__named_by_a_flag__is_found_with_it_and_stays(self, store: Store) -> None:
        segment, project, segments = _create(store), _project(store), store.project_segments
        assert segments.get(project, "beta").flags == ()
        _put(store)
        assert segments.get(project, "beta").flags == ("flag", "other")
        assert segments.get(project, segment.id).flags == ("flag", "other")
        with pytest.raises(SegmentReferenced):
            segments.delete(project, segment)
        store.flags.put_definitions(project, "{}", {}, _ROOMY, flag_count=1, seen=_read(store))
        assert segments.get(project, "beta").flags == ()
        _put(store)
        store.flags.delete_definitions(project, seen=_read(store))
        segments.delete(project, segment)
        assert not _read(store).by_id

    def test_delete__none__is_refused(self, store: Store) -> None:
        for _ in range(2):
            with pytest.raises(DefinitionsNotFound):
                store.flags.delete_definitions(_project(store), seen=_read(store))
            _put(store)
            store.flags.delete_definitions(_project(store), seen=_read(store))
            assert _read(store).definitions is None

    def test_write__over_the_bytes__is_refused_and_less_is_not(self, store: Store) -> None:
        _create(store)
        written = _put(store)
        with pytest.raises(TooManySegments, match="1 bytes"):
            _put(store, f'"{"x" * 500}"', SegmentBounds(1, 1))
        assert _read(store).definitions == written
        _put(store, "{}", SegmentBounds(1, 1))
        key = store.keyspace.project_segments("default", _project(store).created_ms)
        records = raw(store).hmget(key, ["segment:id-beta", "definitions"])
        assert int(raw(store).hget(key, "bytes")) == sum(map(len, records))
        store.flags.delete_definitions(_project(store), seen=_read(store))
        assert int(raw(store).hget(key, "bytes")) == len(records[0])

    def test_changes__each__has_a_number_and_a_later_time(self, store: Store) -> None:
        assert (_read(store).change_number, _read(store).changed_ms) == (0, 0)
        seen = []
        for step in (lambda: _create(store), lambda: _put(store), lambda: _create(store, "b")):
            step()
            seen.append((_read(store).change_number, _read(store).changed_ms))
        assert [number for number, _ in seen] == [1, 2, 3]
        times = [changed_ms for _, changed_ms in seen]
        assert times == sorted(set(times))
        assert times[0] > 1_700_000_000_000
        key = store.keyspace.project_segments("default", _project(store).created_ms)
        raw(store).hset(key, "changed", "3 9000000000000 x")  # by a clock that was ahead
        _create(store, "c")
        assert (_read(store).change_number, _read(store).changed_ms) == (4, 9_000_000_000_001)

    def test_settings__as_they_were_read__are_written_and_else_not(self, store: Store) -> None:
        flags, project = store.flags, _project(store)
        _create(store)
        mark = _read(store).mark
        assert flags.read_settings(project) is None
        flags.put_settings(project, None, b"{}")
        assert flags.read_settings(project) == b"{}"
        flags.put_settings(project, b"{}", b"[]")
        for expected in (None, b"{}"):
            with pytest.raises(ResourceChanged):
                flags.put_settings(project, expected, b"1")
        assert flags.read_settings(project) == b"[]"
        assert _read(store).mark == mark

    def test_write__project_deleted__is_refused_and_nothing_is_left(self, store: Store) -> None:
        project = Project("other", "Other", 1)
        create_project(store, project, [])
        seen = store.project_segments.read_all(project)
        store.flags.put_settings(project, None, b"{}")
        store.flags.put_definitions(project, "{}", {}, _ROOMY, flag_count=1, seen=seen)
        delete_project(store, "other")
        for call in (
            lambda: store.flags.put_settings(project, None, b"{}"),
            lambda: store.flags.put_definitions(project, "{}", {}, _ROOMY, flag_count=1, seen=seen),
        ):
            with pytest.raises(ProjectNotFound):
                call()
        key = store.keyspace.project_segments("other", 1)
        assert raw(store).hgetall(key) == {b"closed": b"1"}

    def test_read__damaged_definitions__is_an_error_that_names_them(self, store: Store) -> None:
        _put(store)
        key = store.keyspace.project_segments("default", _project(store).created_ms)
        raw(store).hset(key, mapping={"definitions": b"{}\n\xff", "changed": "9 9 x"})
        with pytest.raises(UnreadableRecord, match="the flag definitions of project default"):
            _read(store)
