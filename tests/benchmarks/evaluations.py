"""Evaluating a context against a thousand segments, half of them big."""

import statistics
import time

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.system import PRODUCTION, BenchmarkError
from tests.support.segments.environment import (
    CONTEXT,
    TARGET_COUNT,
    evaluate_path,
    fill_environment,
)
from worker.store import EnvironmentRef, create_environment

_REQUESTS_A_RUN = 30
_WARM_REQUESTS = 5


def measure(bench: Bench) -> None:
    """One request after the other over one connection, after some that are not counted."""
    segments = bench.effort.evaluated
    tell(f"evaluation of {segments:,} segments")
    store, env = bench.system.store, EnvironmentRef(PRODUCTION.project, "evaluated")
    environment = store.environments.new(env.environment, "Evaluated")
    create_environment(store, env.project, environment)
    included = fill_environment(store, env, segments)
    first_ms = _request_ms(bench, env, included)
    for _ in range(_WARM_REQUESTS):
        _request_ms(bench, env, included)
    count = _REQUESTS_A_RUN * bench.effort.runs
    times = [_request_ms(bench, env, included) for _ in range(count)]
    bench.figures.put(
        "evaluate_1000",
        statistics.median(times),
        best_ms=min(times),
        first_ms=first_ms,
        targets_each=TARGET_COUNT,
        rules_each=3,
        requests=count,
    )


def _request_ms(bench: Bench, env: EnvironmentRef, included: int) -> float:
    path = evaluate_path(env)
    started = time.perf_counter()
    reply = bench.system.http.post(path, json=CONTEXT)
    milliseconds = (time.perf_counter() - started) * 1000
    if not reply.is_success:
        raise BenchmarkError(f"evaluation: {reply.status_code} {reply.text[:200]}")
    found = sum(one["isIndividuallyTargeted"] for one in reply.json()["items"])
    if found != included:
        raise BenchmarkError(f"evaluation: {found} segments include the context, not {included}")
    return milliseconds
