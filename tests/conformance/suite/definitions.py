"""Segments come into being, are found, go, and come again as another generation."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.store.building import assert_list
from tests.support.store.stores import PRODUCTION, keys_of, mutated, new_list
from worker.store import (
    Definition,
    DefinitionChange,
    Edit,
    EnvironmentNotFound,
    EnvironmentRef,
    ListRef,
    ListUnknown,
    NewSegment,
    ProjectNotFound,
    ResourceChanged,
    SegmentExists,
    SegmentNotFound,
    Store,
)
from worker.store.lists import Belief, Revision

STANDARD = NewSegment(key="small", name="Small")
NEW = NewSegment(key="beta", name="Beta", description="d", tags=("x", "y"), unbounded=True)


def _believed(store: Store, refs: list[ListRef]) -> list[Revision | type[Exception]]:
    """What is believed live of each list; the type of the error where nothing is."""
    found = store.memberships.believe_many(refs)
    assert set(found) == set(refs)
    beliefs = [found[ref] for ref in refs]
    return [belief.revision if isinstance(belief, Belief) else type(belief) for belief in beliefs]


class DefinitionSuite:
    def test_create__new_key__is_generation_one_with_empty_lists(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, NEW)
        assert (segment.generation, segment.version, segment.tags) == (1, 1, ("x", "y"))
        assert store.segments.get(PRODUCTION, "beta") == segment
        assert store.segments.read_all(PRODUCTION) == [segment]
        assert_list(store, segment.ref, set())

    def test_create__key_taken__is_refused_and_changes_nothing(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, NEW)
        store.memberships.edit(segment.ref, [Edit("i+", "a")])
        with pytest.raises(SegmentExists, match="beta"):
            store.segments.create(PRODUCTION, NEW)
        assert_list(store, segment.ref, {"a"})

    def test_create__list_there_already__is_left_alone(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", "a")])
        store.memberships.create(ref)
        assert_list(store, ref, {"a"})

    def test_create__same_key_in_two_environments__are_two_segments(self, store: Store) -> None:
        first = store.segments.create(PRODUCTION, NEW)
        second = store.segments.create(EnvironmentRef("default", "test"), NEW)
        store.memberships.edit(first.ref, [Edit("i+", "a")])
        assert_list(store, second.ref, set())

    @pytest.mark.parametrize(
        ("env", "error"),
        [
            (EnvironmentRef("default", "nowhere"), EnvironmentNotFound),
            (EnvironmentRef("nobody", "production"), ProjectNotFound),
        ],
    )
    def test_create__no_such_place__is_refused(
        self, store: Store, env: EnvironmentRef, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            store.segments.create(env, NEW)
        with pytest.raises(error):
            store.segments.get(env, "beta")

    def test_create__many_at_once__one_wins(self, store: Store) -> None:
        def attempt(_: int) -> int:
            try:
                return store.segments.create(PRODUCTION, NEW).generation
            except SegmentExists:
                return 0

        with ThreadPoolExecutor(8) as pool:
            generations = list(pool.map(attempt, range(16)))
        assert sorted(generations) == [0] * 15 + [1]
        assert_list(store, store.segments.get(PRODUCTION, "beta").ref, set())

    def test_delete__existing__hides_definition_and_list(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, NEW)
        store.memberships.edit(segment.ref, [Edit("i+", "a")])
        assert store.segments.delete(PRODUCTION, "beta") == (segment, None)
        with pytest.raises(SegmentNotFound):
            store.segments.get(PRODUCTION, "beta")
        with pytest.raises(SegmentNotFound):
            store.memberships.look_up(segment.ref, ["a"])
        with pytest.raises(SegmentNotFound):
            store.memberships.edit(segment.ref, [Edit("i+", "b")])
        with pytest.raises(SegmentNotFound):
            store.builds.claim(segment.ref, "i1")
        with pytest.raises(SegmentNotFound):
            store.segments.delete(PRODUCTION, "beta")

    def test_create__after_delete__is_the_next_generation_and_empty(self, store: Store) -> None:
        refs: list[ListRef] = []
        for generation in (1, 2, 3):
            segment = store.segments.create(PRODUCTION, NEW)
            assert segment.generation == generation
            assert_list(store, segment.ref, set())
            store.memberships.edit(segment.ref, [Edit("i+", f"k{generation}")])
            assert_list(store, segment.ref, {f"k{generation}"})
            store.segments.delete(PRODUCTION, "beta")
            refs.append(segment.ref)
        assert len(set(refs)) == 3

    def test_delete__key_created_anew_meanwhile__leaves_the_new_one(self, store: Store) -> None:
        """A delete that found generation 1 must not remove the definition of generation 2."""
        segment = store.segments.create(PRODUCTION, NEW)
        slow = _SlowDelete(store, segment.key)
        assert slow.run() == segment
        assert store.segments.get(PRODUCTION, "beta").generation == 2

    def test_get__store_emptied__is_unknown_and_not_absent(self, store: Store) -> None:
        ref = new_list(store)
        keys = store.keyspace
        for key in (keys.projects(), keys.environments("default"), keys.segments(PRODUCTION)):
            store.client.unlink(key)
        with pytest.raises(ListUnknown):
            store.segments.get(PRODUCTION, ref.segment)
        store.client.unlink(keys.list_record(ref))
        with pytest.raises(ListUnknown):
            store.memberships.look_up(ref, ["a"])

    def test_read__targets_lost__is_unknown_and_not_empty(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        assert store.segments.read(PRODUCTION, "small").targeting is None
        change = DefinitionChange("Small", None, (), '{"included":["a"]}')
        segment = store.segments.update(segment, change)
        store.client.unlink(store.keyspace.targeting(PRODUCTION, "small"))
        with pytest.raises(ListUnknown, match="small"):
            store.segments.read(PRODUCTION, "small")
        found = store.segments.read_many(PRODUCTION, ["small"])
        assert found == [Definition(segment, None)]
        assert found[0] is not None
        assert found[0].is_lost
        segment = store.segments.update(segment, DefinitionChange("Small", None, (), None))
        assert store.segments.read(PRODUCTION, "small") == Definition(segment, None)

    def test_create__targets_of_a_lost_segment_left__are_not_its_own(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        store.segments.update(segment, DefinitionChange("Small", None, (), '{"included":["a"]}'))
        store.client.hdel(store.keyspace.segments(PRODUCTION), "small")
        segment = store.segments.create(PRODUCTION, STANDARD)
        assert store.segments.read(PRODUCTION, "small") == Definition(segment, None)

    def test_state__many_lists_at_once__come_in_order(self, store: Store) -> None:
        refs = [new_list(store, f"s{n}") for n in range(5)]
        for n, ref in enumerate(refs):
            store.memberships.edit(ref, [Edit("i+", f"k{m}") for m in range(n)])
        counts = [state.included_count for state in store.memberships.states(refs)]
        assert counts == [0, 1, 2, 3, 4]

    def test_believe_many__some_lists_gone__are_told_apart(self, store: Store) -> None:
        refs = [new_list(store, f"s{n}") for n in range(4)]
        store.memberships.edit(refs[3], [Edit("i+", "a")])
        live = [store.memberships.state(ref).live for ref in refs]
        assert _believed(store, refs) == live
        store.memberships.delete(refs[0])
        store.client.unlink(store.keyspace.list_record(refs[2]))
        assert _believed(store, refs) == [ListUnknown, live[1], ListUnknown, live[3]]
        assert store.memberships.believe_many([]) == {}

    def test_list__changed_by_another_process__is_read_again(self, store: Store) -> None:
        other = mutated(store, "segment/watch", lambda text: text + "\n")
        segment = store.segments.create(PRODUCTION, NEW)
        assert (
            other.segments.read_all(PRODUCTION) == store.segments.read_all(PRODUCTION) == [segment]
        )
        changed = store.segments.update(segment, _change(name="Gamma"))
        assert other.segments.read_all(PRODUCTION) == [changed]
        other.segments.delete(PRODUCTION, segment.key)
        assert store.segments.read_all(PRODUCTION) == []
        again = other.segments.create(PRODUCTION, NEW)
        assert store.segments.read_all(PRODUCTION) == [again]

    def test_read__new_segment__targets_nothing(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        assert store.segments.read(PRODUCTION, "small") == Definition(segment, None)
        assert store.segments.read_many(PRODUCTION, ["none", "small", "none"]) == [
            None,
            Definition(segment, None),
            None,
        ]
        assert store.segments.read_many(PRODUCTION, []) == []
        with pytest.raises(SegmentNotFound):
            store.segments.read(PRODUCTION, "none")

    def test_update__current_definition__writes_both_parts_and_moves_the_version(
        self, store: Store
    ) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        changed = store.segments.update(segment, _change(targeting='{"included":["é"]}'))
        assert (changed.name, changed.version, changed.salt) == ("Changed", 2, segment.salt)
        assert changed.modified_ms >= segment.modified_ms
        read = store.segments.read(PRODUCTION, "small")
        assert read == Definition(changed, '{"included":["é"]}'.encode())
        assert store.segments.read_all(PRODUCTION) == [changed]
        emptied = store.segments.update(changed, _change(description=None, tags=()))
        assert store.segments.read(PRODUCTION, "small") == Definition(emptied, None)
        assert emptied.description is None

    def test_update__older_definition__writes_nothing(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        changed = store.segments.update(segment, _change(targeting="[1]"))
        with pytest.raises(ResourceChanged, match="small"):
            store.segments.update(segment, _change(targeting="[2]"))
        assert store.segments.read(PRODUCTION, "small") == Definition(changed, b"[1]")

    def test_update__deleted_segment__is_not_found(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        store.segments.delete(PRODUCTION, "small")
        with pytest.raises(SegmentNotFound):
            store.segments.update(segment, _change(targeting="[1]"))
        store.segments.create(PRODUCTION, STANDARD)
        with pytest.raises(SegmentNotFound):
            store.segments.update(segment, _change(targeting="[1]"))
        assert store.segments.read(PRODUCTION, "small").targeting is None

    def test_delete__segment_with_targets__leaves_none_behind(self, store: Store) -> None:
        segment = store.segments.create(PRODUCTION, STANDARD)
        store.segments.update(segment, _change(targeting="[1]"))
        store.segments.delete(PRODUCTION, "small")
        assert store.keyspace.targeting(PRODUCTION, "small") not in keys_of(store)
        again = store.segments.create(PRODUCTION, STANDARD)
        assert store.segments.read(PRODUCTION, "small") == Definition(again, None)
        assert again.salt != segment.salt

    def test_update__many_writers__none_is_lost(self, store: Store) -> None:
        """Each adds a tag to what it reads; in the end all tags are there, once each."""
        first = store.segments.create(PRODUCTION, STANDARD)
        conflicts: list[int] = []

        def add(number: int) -> None:
            for turn in range(5):
                while True:
                    current = store.segments.get(PRODUCTION, "small")
                    tags = (*current.tags, f"t{number}-{turn}")
                    try:
                        store.segments.update(current, _change(tags=tags, targeting="[]"))
                    except ResourceChanged:
                        conflicts.append(number)
                    else:
                        break

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(4)))
        last = store.segments.get(PRODUCTION, "small")
        assert sorted(last.tags) == sorted(f"t{n}-{turn}" for n in range(4) for turn in range(5))
        assert last.version == first.version + 20

    def test_create__closed_environment__is_refused(self, store: Store) -> None:
        store.client.hset(store.keyspace.environment_state(PRODUCTION), "closed", 1)
        with pytest.raises(EnvironmentNotFound):
            store.segments.create(PRODUCTION, STANDARD)
        assert store.segments.read_all(PRODUCTION) == []


def _change(
    *,
    name: str = "Changed",
    description: str | None = "d",
    tags: tuple[str, ...] = ("x",),
    targeting: str | None = None,
) -> DefinitionChange:
    return DefinitionChange(name, description, tags, targeting)


class _SlowDelete:
    """A delete between whose two steps the key is deleted and created by others."""

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key = store, key
        self._hide = store.memberships.delete

    def run(self) -> object:
        segments = self._store.segments
        segments._memberships = self  # type: ignore[assignment]  # a hook between the two steps
        return segments.delete(PRODUCTION, self._key)[0]

    def delete(self, ref: ListRef) -> str | None:
        building = self._hide(ref)
        self._store.segments._memberships = self._store.memberships
        self._store.segments.delete(PRODUCTION, self._key)
        self._store.segments.create(PRODUCTION, NEW)
        return building
