"""Evaluations in the API's child process: the same answers, its death, and its end."""

import asyncio
import json
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.access.scope import AccessScope
from api.errors import NotFound, Unavailable
from api.evaluations.answers import Evaluated
from api.launchdarkly.application import HEAVY_PROGRAMS
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.launchdarkly.evaluations.heavy_question import HeavyQuestion
from api.services.heavy.child import MEMORY_BYTES, NICENESS
from api.services.heavy.process import HeavyProcess
from api.settings import ApiSettings
from tests.support.segments.environment import big_segment, evaluate_path, rule, standard_segment
from tests.support.servers.api import Api, assert_refused, new_key, running_api
from tests.support.servers.redis import Server, wait_until
from tests.support.systems.up import arguments_of, children_of, is_running
from worker.store import Edit, EnvironmentRef, Store, create_environment

_PROGRAM = HEAVY_PROGRAMS[LAUNCHDARKLY.name]
CONTEXT = {"kind": "user", "key": "ada", "plan": "gold"}
#: 50 clauses times 15,000 numbers are above what a light evaluation may test.
NUMBERS = {"numbers": [1] * 15_000}


@pytest.fixture(scope="module")
def path(store: Store) -> str:
    """Where an environment is evaluated whose segments make a long context heavy."""
    return evaluate_path(_heavy_environment(store))


def _heavy_environment(store: Store) -> EnvironmentRef:
    env = EnvironmentRef("default", new_key("heavy"))
    create_environment(store, env.project, store.environments.new(env.environment, "Heavy"))
    standard_segment(store, env, "gold", rules=[rule("plan", "in", ["gold"])])
    standard_segment(store, env, "named", included=["ada"], excluded=["bob"])
    big_segment(store, env, "big", Edit("i+", "ada"))
    big_segment(store, env, "other", Edit("i+", "bob"), Edit("e+", "ada"))
    numbers = [rule("numbers", "in", [-n - 1]) for n in range(50)]
    standard_segment(store, env, "heavy", rules=numbers)
    return env


def _child(api: Api) -> int:
    [pid] = _children(api)
    return pid


def _children(api: Api) -> list[int]:
    """Those for evaluations; the API may have one for other work, too."""
    children = children_of(api.process.pid)
    return [child for child in children if _PROGRAM in arguments_of(child)]


def test_heavy__same_context__answers_as_a_light_one(
    api: Api, client: httpx.Client, path: str
) -> None:
    light = client.post(path, json=CONTEXT)
    heavy = client.post(path, json=CONTEXT | NUMBERS)

    assert (heavy.status_code, heavy.headers["content-type"]) == (200, "application/json")
    assert heavy.content == light.content
    members = {one["key"] for one in heavy.json()["items"] if one["isMember"]}
    assert members == {"gold", "named", "big"}
    first = _child(api)
    assert client.post(path, json=CONTEXT | NUMBERS).content == light.content
    assert _child(api) == first, "kept"


def test_heavy__changed_segment__is_seen_at_once(
    client: httpx.Client, store: Store, path: str
) -> None:
    assert client.post(path, json=CONTEXT | NUMBERS).status_code == 200
    env = EnvironmentRef("default", path.split("/")[6])
    standard_segment(store, env, "new", included=["ada"])
    [new] = [
        one["isMember"]
        for one in client.post(path, json=CONTEXT | NUMBERS).json()["items"]
        if one["key"] == "new"
    ]
    assert new is True


def test_heavy__token_for_few_segments__shows_no_others(
    api: Api, client: httpx.Client, path: str
) -> None:
    environment = path.split("/")[6]
    resource = f"proj/default:env/{environment}:segment/g*"
    statement = {"effect": "allow", "actions": ["*"], "resources": [resource]}
    body = {"name": "few", "role": "reader", "inlineRole": [statement]}
    made = client.post("/api/v2/tokens", json=body)
    assert made.status_code == 201, made.text
    with api.client(made.json()["token"]) as few:
        light = few.post(path, json=CONTEXT)
        heavy = few.post(path, json=CONTEXT | NUMBERS)
    assert heavy.content == light.content
    assert [one["key"] for one in heavy.json()["items"]] == ["gold"]


def test_child__runs__within_its_bounds_and_without_secrets(
    api: Api, client: httpx.Client, path: str
) -> None:
    assert client.post(path, json=CONTEXT | NUMBERS).status_code == 200
    pid = _child(api)
    assert os.getpriority(os.PRIO_PROCESS, pid) == NICENESS
    default = ApiSettings.model_fields["evaluation_cache_bytes"].default
    most, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
    assert most == 2 * default + MEMORY_BYTES
    assert not _files(pid) & _files(api.process.pid) - _files(os.getpid()), "shared sockets"
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"BIGSEG_" not in environment
    assert b"AWS_" not in environment


def _files(pid: int) -> set[str]:
    """Sockets that a process has open."""
    links = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(one.readlink()))
    return {one for one in links if one.startswith("socket:")}


def test_child__killed_or_out_of_memory__one_503_then_another_child(
    valkey_server: Server,
) -> None:
    with running_api(valkey_server.url) as api, api.client() as client, api.store() as store:
        env = _heavy_environment(store)
        path = evaluate_path(env)
        assert client.post(path, json=CONTEXT).status_code == 200
        assert children_of(api.process.pid) == [], "started before it is needed"
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.post, path, json=CONTEXT | NUMBERS)
            # It needs most of a second to start, so the answer is not there yet.
            wait_until(lambda: _children(api) != [], "the child is there")
            os.kill(_child(api), signal.SIGKILL)
            assert "ended; retry" in assert_refused(sent.result(), 503, "service_unavailable")
        assert client.post(path, json=CONTEXT | NUMBERS).status_code == 200

        child = _child(api)
        _, most = resource.prlimit(child, resource.RLIMIT_DATA)
        resource.prlimit(child, resource.RLIMIT_DATA, (1, most))
        # Megabytes more: a child that has answered before has some memory to spare.
        standard_segment(store, env, "large", included=[f"key-{n}" for n in range(15_000)])
        reply = client.post(path, json=CONTEXT | NUMBERS)
        assert "ended; retry" in assert_refused(reply, 503, "service_unavailable")
        assert client.post(path, json=CONTEXT | NUMBERS).status_code == 200
        # The child writes to the API's log; where its memory ends decides which error it meets.
        lines = [json.loads(line) for line in api.log.splitlines()]
        assert [line["event"] for line in lines if "error" in line] == ["request.failed"]
        _assert_ends_with(api, signal.SIGKILL)


def test_child__of_an_api_that_is_stopped__is_gone(valkey_server: Server) -> None:
    with running_api(valkey_server.url) as api, api.client() as client, api.store() as store:
        path = evaluate_path(_heavy_environment(store))
        assert client.post(path, json=CONTEXT | NUMBERS).status_code == 200
        _assert_ends_with(api, signal.SIGTERM)
        assert "Traceback" not in api.log


def _assert_ends_with(api: Api, how: signal.Signals) -> None:
    child = _child(api)
    api.process.send_signal(how)
    api.process.wait(60)
    wait_until(lambda: not is_running(child), "the child is gone")


@pytest.fixture
def settings(api: Api) -> ApiSettings:
    return ApiSettings.model_validate({"redis_url": api.redis_url, "key_prefix": api.prefix})


def _question(environment: str) -> HeavyQuestion:
    return HeavyQuestion(EnvironmentRef("default", environment), AccessScope(()), b'{"key": "ada"}')


def _asked(process: HeavyProcess, question: HeavyQuestion) -> Any:
    async def ask() -> Evaluated:
        try:
            return Evaluated.unpack(await process.ask(question.pack()))
        finally:
            await process.close()

    return asyncio.run(ask())


def test_child__environment_deleted_meanwhile__is_refused_as_ever(settings: ApiSettings) -> None:
    with pytest.raises(NotFound, match="none-such"):
        _asked(HeavyProcess(settings, _PROGRAM), _question("none-such"))


def test_child__store_away__is_refused() -> None:
    away = ApiSettings.model_validate({"redis_url": "redis://127.0.0.1:9/0"})
    with pytest.raises(Unavailable, match="did not answer"):
        _asked(HeavyProcess(away, _PROGRAM), _question("production"))


def test_child__that_takes_too_long__is_ended_and_refused(settings: ApiSettings) -> None:
    with pytest.raises(Unavailable, match="took too long"):
        _asked(HeavyProcess(settings, _PROGRAM, longest_work_s=0.01), _question("production"))
