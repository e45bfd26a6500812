"""Segments of a project: found by id and slug, changed under a mark, gone with their project."""

import dataclasses
from typing import Final

import pytest

from tests.support.store.stores import keys_of, raw
from worker.store import (
    NewProjectSegment,
    Project,
    ProjectNotFound,
    ProjectSegment,
    ProjectSegmentChange,
    ResourceChanged,
    SegmentBounds,
    SegmentExists,
    SegmentNotFound,
    SegmentReferenced,
    Store,
    TooManySegments,
    UnreadableRecord,
    assemble,
    create_project,
    delete_project,
)
from worker.store.workflows import finish_deletions

ROOMY: Final = SegmentBounds(1_000, 1_000_000)
DATA: Final = '{"include":{"user":{"id":[{"value":"a\\n"}]}}}'


def _project(store: Store) -> Project:
    return store.projects.get("default")


def _new(
    slug: str = "beta", *, data: str = DATA, references: tuple[str, ...] = ()
) -> NewProjectSegment:
    return NewProjectSegment(
        id=f"id-{slug}",
        slug=slug,
        label="Beta",
        hint="",
        data=data,
        description="d",
        created_by="me",
        creator_id="t1",
        creator_name="token",
        references=references,
    )


def _create(
    store: Store, slug: str = "beta", bounds: SegmentBounds = ROOMY, *, references: bool = False
) -> ProjectSegment:
    project = _project(store)
    seen = store.project_segments.read_all(project) if references else None
    named = tuple(seen.by_id) if seen is not None else ()
    new = _new(slug, references=named)
    return store.project_segments.create(project, new, bounds, seen=seen)


def _change(segment: ProjectSegment, **fields: object) -> ProjectSegmentChange:
    names = [field.name for field in dataclasses.fields(ProjectSegmentChange)]
    same = {name: getattr(segment, name) for name in names}
    return ProjectSegmentChange(**{**same, **fields})


def _totals(store: Store) -> tuple[int, int]:
    """Give the noted number of segments and the noted bytes of their records."""
    project = _project(store)
    key = store.keyspace.project_segments(project.key, project.created_ms)
    count, size_bytes = raw(store).hmget(key, ["count", "bytes"])
    return int(count), int(size_bytes)


def _measured(store: Store) -> tuple[int, int]:
    """Give the number of segments that there are and the bytes of their records."""
    project = _project(store)
    key = store.keyspace.project_segments(project.key, project.created_ms)
    found = raw(store).hgetall(key).items()
    records = [text for name, text in found if name.startswith(b"segment:")]
    return len(records), sum(map(len, records))


class ProjectSegmentSuite:
    def test_create__any__is_found_by_its_id_and_its_slug(self, store: Store) -> None:
        created = _create(store)

        assert (created.data, created.creator_name) == (DATA, "token")
        assert created.created_ms == created.updated_ms > 1_700_000_000_000
        segments, project = store.project_segments, _project(store)
        assert (
            segments.get(project, "id-beta").segment
            == segments.get(project, "beta").segment
            == created
        )
        assert dict(segments.read_all(project).by_id) == {"id-beta": created}
        assert segments.read_all(project).find("beta") == created
        with pytest.raises(SegmentNotFound):
            segments.get(project, "none")

    def test_get__id_of_one_is_the_slug_of_another__is_the_first(self, store: Store) -> None:
        first, second = _create(store, "a"), _create(store, "id-a")
        segments, project = store.project_segments, _project(store)

        assert segments.get(project, "id-a").segment == first
        assert segments.read_all(project).find("id-a") == first
        assert segments.get(project, "id-id-a").segment == second

    def test_create__slug_taken__is_refused_and_changes_nothing(self, store: Store) -> None:
        created = _create(store)
        before = store.project_segments.read_all(_project(store))
        new = _new()
        for other in (dataclasses.replace(new, id="o"), dataclasses.replace(new, slug="o")):
            with pytest.raises(SegmentExists):
                store.project_segments.create(_project(store), other, ROOMY)
        assert store.project_segments.read_all(_project(store)) is before
        assert store.project_segments.get(_project(store), "beta").segment == created

    def test_create__over_the_number__is_refused_until_one_is_deleted(self, store: Store) -> None:
        bounds = SegmentBounds(2, 1_000_000)
        first, _ = _create(store, "a", bounds), _create(store, "b", bounds)
        with pytest.raises(TooManySegments, match="2 segments"):
            _create(store, "c", bounds)
        store.project_segments.delete(_project(store), first)
        _create(store, "c", bounds)
        assert _totals(store) == _measured(store)

    def test_write__over_the_bytes__is_refused_and_less_is_not(self, store: Store) -> None:
        segment, project = _create(store), _project(store)
        tight = SegmentBounds(10, _totals(store)[1])
        with pytest.raises(TooManySegments, match="bytes"):
            _create(store, "more", tight)
        grown = _change(segment, data=f'{{"x":"{"x" * 500}"}}')
        with pytest.raises(TooManySegments, match="bytes"):
            store.project_segments.update(project, segment, grown, tight)
        assert store.project_segments.get(project, "beta").segment == segment
        less = SegmentBounds(10, 1)
        shrunk = store.project_segments.update(project, segment, _change(segment, data="{}"), less)
        assert store.project_segments.get(project, "beta").segment == shrunk
        assert _totals(store) == _measured(store)

    def test_update__as_it_was_read__is_written_and_else_not(self, store: Store) -> None:
        segment, project, segments = _create(store), _project(store), store.project_segments
        lists = {"include/user/id": "l1"}
        changed = segments.update(
            project, segment, _change(segment, label="B", description=None, lists=lists), ROOMY
        )
        assert (changed.label, changed.description, changed.lists) == ("B", None, lists)
        assert (changed.id, changed.created_ms) == (segment.id, segment.created_ms)
        assert changed.updated_ms >= segment.updated_ms
        assert changed.revision != segment.revision
        assert segments.get(project, "beta").segment == changed
        with pytest.raises(ResourceChanged):
            segments.update(project, segment, _change(segment, label="C"), ROOMY)
        assert segments.get(project, "beta").segment == changed

    def test_write__others_changed_since_they_were_seen__is_refused(self, store: Store) -> None:
        segments, project = store.project_segments, _project(store)
        seen = segments.read_all(project)
        segment = _create(store, "a")
        new = _new("b")
        with pytest.raises(ResourceChanged):
            segments.create(project, new, ROOMY, seen=seen)
        with pytest.raises(ResourceChanged):
            segments.update(project, segment, _change(segment), ROOMY, seen=seen)
        assert [*segments.read_all(project).by_slug] == ["a"]

    def test_delete__any__frees_its_slug(self, store: Store) -> None:
        segment, project, segments = _create(store), _project(store), store.project_segments
        segments.delete(project, segment)
        for call in (
            lambda: segments.get(project, "beta"),
            lambda: segments.get(project, segment.id),
            lambda: segments.delete(project, segment),
            lambda: segments.update(project, segment, _change(segment), ROOMY),
        ):
            with pytest.raises(SegmentNotFound):
                call()
        assert not segments.read_all(project).by_id
        again = _create(store)
        assert again.revision != segment.revision
        assert _totals(store) == _measured(store)

    def test_delete__changed_since_it_was_read__is_refused(self, store: Store) -> None:
        segment, project, segments = _create(store), _project(store), store.project_segments
        changed = segments.update(project, segment, _change(segment, label="B"), ROOMY)
        with pytest.raises(ResourceChanged):
            segments.delete(project, segment)
        assert segments.get(project, "beta").segment == changed

    def test_read_all__changed_by_another_process__is_read_again(self, store: Store) -> None:
        project, other = _project(store), assemble(store.database).project_segments
        kept, segment = _create(store, "kept"), _create(store)
        before = store.project_segments.read_all(project)
        assert store.project_segments.read_all(project) is before
        changed = other.update(project, segment, _change(segment, label="B"), ROOMY)
        after = store.project_segments.read_all(project)
        assert after.by_slug == {"kept": kept, "beta": changed}
        assert after.by_id[kept.id] is before.by_id[kept.id]
        other.delete(project, changed)
        assert [*store.project_segments.read_all(project).by_slug] == ["kept"]
        seen = other.read_all(project)
        new = _new("new")
        other.create(project, new, ROOMY, seen=seen)
        assert store.project_segments.read_all(project).by_slug.keys() == {"kept", "new"}

    def test_read_all__changed_while_it_is_read__is_of_one_moment(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = _project(store)
        for number in range(30):
            _create(store, f"s{number}")
        fresh = assemble(store.database).project_segments
        scan, writes = fresh._scan, iter(range(1_000))  # to write while it reads

        def scan_slowly(key: str, project: Project, page: int) -> dict[str, bytes]:
            _create(store, f"before-{next(writes)}")
            found = scan(key, project, page)
            changed = store.project_segments.get(project, "s1").segment
            store.project_segments.update(project, changed, _change(changed, label="New"), ROOMY)
            gone = store.project_segments.get(project, f"s{2 + next(writes)}").segment
            store.project_segments.delete(project, gone)
            return found

        monkeypatch.setattr(fresh, "_scan", scan_slowly)
        found = fresh.read_all(project)

        assert found == assemble(store.database).project_segments.read_all(project)
        assert found.by_slug["s1"].label == "New"
        assert len(found.by_id) == 30

    def test_read_all__changed_since__reads_what_has_changed(self, store: Store) -> None:
        project = _project(store)
        first, second = _create(store, "first"), _create(store, "second")
        reader = assemble(store.database).project_segments
        before = reader.read_all(project)
        store.project_segments.update(project, first, _change(first, label="New"), ROOMY)
        store.project_segments.delete(project, second)
        _create(store, "third")

        found = reader.read_all(project)

        assert found == assemble(store.database).project_segments.read_all(project)
        assert (len(before.by_id), sorted(found.by_slug)) == (2, ["first", "third"])

    def test_read_all__server_went_back_and_on__is_read_whole(self, store: Store) -> None:
        project = _project(store)
        _create(store, "first")
        key = store.keyspace.project_segments(project.key, project.created_ms)
        earlier = raw(store).hgetall(key)
        _create(store, "lost")
        reader = assemble(store.database).project_segments
        assert "lost" in reader.read_all(project).by_slug
        raw(store).delete(key)
        raw(store).hset(key, mapping=earlier)
        for slug in ("second", "third"):
            _create(store, slug)

        assert sorted(reader.read_all(project).by_slug) == ["first", "second", "third"]

    def test_read_all__more_changes_than_are_remembered__is_read_whole(self, store: Store) -> None:
        project = _project(store)
        segment = _create(store, "first")
        reader = assemble(store.database).project_segments
        reader.read_all(project)
        _create(store, "second")
        for number in range(256):
            change = _change(segment, label=f"L{number}")
            segment = store.project_segments.update(project, segment, change, ROOMY)

        assert sorted(reader.read_all(project).by_slug) == ["first", "second"]
        key = store.keyspace.project_segments(project.key, project.created_ms)
        changes = [name for name in raw(store).hkeys(key) if name.startswith(b"change:")]
        assert len(changes) == 256

    def test_users__of_a_segment__are_those_that_name_it_now(self, store: Store) -> None:
        segments, project = store.project_segments, _project(store)
        first, second = _create(store, "a"), _create(store, "b", references=True)
        third = _create(store, "c", references=True)
        assert set(segments.get(project, "a").users) == {second.id, third.id}
        assert segments.get(project, "b").users == (third.id,)
        assert segments.get(project, "c").users == ()
        users = segments.read_all(project).users()
        assert {name: len(found) for name, found in users.items()} == {first.id: 2, second.id: 1}
        with pytest.raises(SegmentReferenced):
            segments.delete(project, first)
        segments.delete(project, third)
        assert segments.get(project, "a").users == (second.id,)
        none = _change(second, references=())
        segments.update(project, second, none, ROOMY)
        assert segments.get(project, "a").users == ()
        segments.delete(project, first)

    def test_close__project_deleted__frees_all_and_takes_no_more(self, store: Store) -> None:
        project = Project("other", "Other", 1)
        create_project(store, project, [])
        new = _new()
        segments = store.project_segments
        segments.create(project, new, ROOMY)
        delete_project(store, "other")
        for late in (  # found the project just before
            lambda: segments.create(project, new, ROOMY),
            lambda: segments.read_all(project),
            lambda: segments.read_mark(project),
        ):
            with pytest.raises(ProjectNotFound):
                late()
        finish_deletions(store)
        key = store.keyspace.project_segments("other", 1)
        assert raw(store).hgetall(key) == {b"closed": b"1"}
        assert 0 < raw(store).ttl(key) <= 86_400

    def test_create__project_made_again__starts_empty(self, store: Store) -> None:
        new = _new()
        for created_ms in (1, 2):
            project = Project("other", "Other", created_ms)
            create_project(store, project, [])
            assert not store.project_segments.read_all(project).by_id
            store.project_segments.create(project, new, ROOMY)
            delete_project(store, "other")
        held = [key for key in keys_of(store) if ":{other}:segments:" in key]
        assert sum(len(raw(store).hgetall(key)) for key in held) == len(held)

    def test_read__damaged_record__is_an_error_that_names_it(self, store: Store) -> None:
        _create(store)
        project = _project(store)
        key = store.keyspace.project_segments(project.key, project.created_ms)
        for text in (b"[\n{}", b'{"slug":1}\n{}', b"", b"{}\n\xff"):
            raw(store).hset(key, "segment:id-beta", text)
            raw(store).hset(key, "changed", repr(text))
            for call in (
                lambda: store.project_segments.get(project, "beta"),
                lambda: store.project_segments.read_all(project),
            ):
                with pytest.raises(UnreadableRecord, match="id-beta"):
                    call()
