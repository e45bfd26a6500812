"""Look-ups, open loop, while one caller sends the worst evaluations that are accepted."""

import random
import time
from typing import Any

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.client import write_keys
from tests.benchmarks.interference import RATE, measure_beside
from tests.benchmarks.system import BenchmarkError
from tests.support.segments.environment import evaluate_path
from worker.store import EnvironmentRef, create_environment

_CLAUSES = 400


def measure(bench: Bench) -> None:
    """Ask one list at a fixed rate, alone and beside heavy evaluations."""
    bench.product_list()
    keys = write_keys(bench)
    env = EnvironmentRef("default", "heavy")
    environment = bench.system.store.environments.new(env.environment, "Heavy")
    create_environment(bench.system.store, env.project, environment)
    tell(f"making {bench.effort.heavy_segments} segments as costly as they may be")
    _fill(bench, env)
    context = _context()
    first_s = _evaluate(bench, env, context)
    at_once = bench.effort.heavy_at_once
    tell(f"look-ups at {RATE:g}/s, alone and beside {at_once} evaluations at a time")
    found = measure_beside(bench, keys, lambda: _evaluate(bench, env, context), at_once=at_once)
    bench.figures.put(
        "lookup_p99_during_evaluations",
        found.ratio,
        spread=None,
        **found.raw(),
        first_evaluation_s=first_s,
        evaluation_s=max(found.calls, default=0.0),
        evaluations=len(found.calls),
    )


def _fill(bench: Bench, env: EnvironmentRef) -> None:
    random.seed(8)
    clauses = [
        _clause("contains", "words", ["".join(random.choices("abcdefghij", k=6)) for _ in range(n)])
        for n in (20_000, 20_000)
    ]
    clauses += [_clause("matches", "text", [f"(?:a?){{{n}}}b"]) for n in range(900, 920)]
    numbers = [_clause("in", "numbers", [-n]) for n in range(_CLAUSES)]
    base = f"/api/v2/segments/{env.project}/{env.environment}"
    for number in range(bench.effort.heavy_segments):
        key = f"heavy-{number}"
        _send(bench, "POST", base, {"key": key, "name": key})
        rules = [{"clauses": [one]} for one in (clauses if number == 0 else numbers)]
        change = [{"op": "replace", "path": "/rules", "value": rules}]
        _send(bench, "PATCH", f"{base}/{key}", change)


def _clause(op: str, attribute: str, values: list[Any]) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "values": values}


def _context() -> dict[str, Any]:
    words = [f"{number:06d}" * 3 for number in range(3_000)]
    return {
        "kind": "user",
        "key": "user-42",
        "words": words,
        "numbers": [1] * 15_000,
        "text": "a" * 5_000,
    }


def _evaluate(bench: Bench, env: EnvironmentRef, context: dict[str, Any]) -> float:
    path = evaluate_path(env)
    started = time.perf_counter()
    _send(bench, "POST", path, context)
    return time.perf_counter() - started


def _send(bench: Bench, method: str, path: str, body: Any) -> None:
    reply = bench.system.http.request(method, path, json=body, timeout=60)
    if not reply.is_success and reply.status_code != 503:
        raise BenchmarkError(f"{method} {path}: {reply.status_code} {reply.text[:200]}")
