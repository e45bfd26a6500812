"""A thousand segments, half of them big, evaluated over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.segments.environment import (
    CONTEXT,
    evaluate_path,
    fill_environment,
    standard_segment,
)
from tests.support.servers.api import Api, new_key
from tests.support.servers.durations import request_ms
from worker.store import EnvironmentRef, Store, create_environment, delete_environment

SEGMENT_COUNT = 1_000
#: Of the server that evaluates them, on two cores.
LIMIT_MS = 50
_SERIES = 15


@pytest.fixture(scope="module")
def env(store: Store) -> Iterator[EnvironmentRef]:
    env = EnvironmentRef("default", new_key("thousand"))
    environment = store.environments.new(env.environment, "A thousand")
    create_environment(store, env.project, environment)
    yield env
    delete_environment(store, env)


def test_evaluate__thousand_segments__is_quick_and_right(
    api: Api, client: httpx.Client, store: Store, env: EnvironmentRef
) -> None:
    included = fill_environment(store, env, SEGMENT_COUNT)
    path = evaluate_path(env)

    items = client.post(path, json=CONTEXT).json()["items"]

    assert [one["key"] for one in items[:2]] == ["segment-0999", "segment-0998"]
    assert len(items) == SEGMENT_COUNT
    assert sum(one["isIndividuallyTargeted"] for one in items) == included
    assert any(one["isRuleTargeted"] for one in items)

    def evaluate() -> None:
        assert client.post(path, json=CONTEXT).status_code == 200

    best_ms = min(request_ms(evaluate, api.process.pid, _SERIES) for _ in range(3))
    print(f"evaluating {SEGMENT_COUNT:,} segments: {best_ms:.1f} ms")  # noqa: T201  # the figure
    assert best_ms < LIMIT_MS

    before = _pipelines(client)
    standard_segment(store, env, "one-more", included=[CONTEXT["key"]])
    assert client.post(path, json=CONTEXT).json()["items"][0]["isMember"] is True
    assert _pipelines(client) - before == 1, "all big segments are asked in one round trip"


def _pipelines(client: httpx.Client) -> float:
    name = "bigseg_lookup_pipelines_total "
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))
