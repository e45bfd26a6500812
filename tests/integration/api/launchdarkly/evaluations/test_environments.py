"""What is made ready for evaluation is never old, never made twice, and never without end."""

import threading
from collections.abc import Iterator

import pytest

from api.evaluation import evaluate, parse_context
from api.launchdarkly.evaluations.environments import EvaluableEnvironment, EvaluableEnvironments
from tests.support.segments.environment import big_segment, standard_segment
from tests.support.servers.redis import Server
from tests.support.store.stores import PRODUCTION, opened
from tests.support.systems.lookups import beside
from worker.store import EnvironmentNotFound, EnvironmentRef, Store, delete_environment

COUNT = 12
PLENTY = 1 << 30


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


def _fill(store: Store, env: EnvironmentRef = PRODUCTION) -> None:
    for number in range(COUNT):
        standard_segment(store, env, f"s{number:02d}", included=[f"user-{number}"])


def _made(environment: EvaluableEnvironment) -> dict[str, int]:
    """Tell objects apart: one that was made anew is another one."""
    return {one.definition.key: id(one) for one in environment.segments}


def test_read__nothing_changed__is_the_very_same(store: Store) -> None:
    _fill(store)
    environments = EvaluableEnvironments(PLENTY)

    first = environments.read(store, PRODUCTION)

    assert environments.read(store, PRODUCTION) is first
    listed = [one.key for one in store.segments.read_all(PRODUCTION)]
    assert [one.definition.key for one in first.segments] == [*first.compiled] == listed


def test_read__one_changed_one_new_one_deleted__makes_only_those(store: Store) -> None:
    _fill(store)
    big_segment(store, PRODUCTION, "big")
    changing = standard_segment(store, PRODUCTION, "changing", included=["a"])
    environments = EvaluableEnvironments(PLENTY)
    first = environments.read(store, PRODUCTION)
    changing.changed(store, included=["b"])
    standard_segment(store, PRODUCTION, "new")
    store.segments.delete(PRODUCTION, "s00")

    second = environments.read(store, PRODUCTION)

    before, after = _made(first), _made(second)
    assert {key for key, one in after.items() if before.get(key) != one} == {"changing", "new"}
    assert before.keys() - after.keys() == {"s00"}
    assert second.compiled["changing"].included == {"b"}
    assert second.compiled.keys() == after.keys()


def test_read__above_the_bound__part_is_remembered_and_all_is_given(store: Store) -> None:
    _fill(store)
    whole = EvaluableEnvironments(PLENTY).read(store, PRODUCTION)
    environments = EvaluableEnvironments(whole.size_bytes // 2)

    first, second = (environments.read(store, PRODUCTION) for _ in range(2))

    assert [one.definition for one in first.segments] == [one.definition for one in whole.segments]
    same = sum(one is two for one, two in zip(first.segments, second.segments, strict=True))
    assert 0 < same <= COUNT // 2
    context = parse_context({"key": "user-7"})
    for environment in (first, second, EvaluableEnvironments(0).read(store, PRODUCTION)):
        outcomes = evaluate(environment.compiled, context, {})
        assert [key for key, one in outcomes.items() if one.is_member] == ["s07"]


def test_read__another_environment__takes_the_place_of_the_oldest(store: Store) -> None:
    other = EnvironmentRef("default", "test")
    for env in (PRODUCTION, other):
        _fill(store, env)
    size_bytes = EvaluableEnvironments(PLENTY).read(store, PRODUCTION).size_bytes
    environments = EvaluableEnvironments(size_bytes * 3 // 2)

    first = environments.read(store, PRODUCTION)
    second = environments.read(store, other)

    assert environments.read(store, other) is second
    assert not set(_made(environments.read(store, PRODUCTION)).items()) & set(_made(first).items())


def test_read__environment_deleted__is_not_there(store: Store) -> None:
    env = EnvironmentRef("default", "test")
    _fill(store, env)
    environments = EvaluableEnvironments(PLENTY)
    assert environments.read(store, env).segments
    delete_environment(store, env)

    with pytest.raises(EnvironmentNotFound):
        environments.read(store, env)


def test_read__in_many_threads_beside_changes__is_never_older_than_its_start(
    store: Store,
) -> None:
    _fill(store)
    changing = standard_segment(store, PRODUCTION, "changing", included=["v0"])
    environments = EvaluableEnvironments(PLENTY)
    written = [0]
    failed: list[str] = []

    def change(number: int) -> None:
        nonlocal changing
        changing = changing.changed(store, included=[f"v{number + 1}"])
        written[0] = number + 1

    def read() -> None:
        for _ in range(60):
            oldest = written[0]
            (seen,) = environments.read(store, PRODUCTION).compiled["changing"].included
            if int(seen[1:]) < oldest:
                failed.append(f"{seen} was read after v{oldest} had been written")

    with beside(change):
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert not failed, failed[0]
    assert written[0] > 10
