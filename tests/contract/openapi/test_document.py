"""The served OpenAPI document against the API that serves it: schemathesis finds the difference.

Each operation is asked with its documented examples, and with requests that schemathesis
makes of its schemas: ones that fit them and ones that do not. Answers are held against the
document closed: a field that it does not declare is a fault.
"""

import copy
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, CheckFunction, GenerationMode, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from api.launchdarkly.flag_data.documents import MOST_BYTES as FLAG_DATA_BYTES
from api.sdk.events.routes import BODY_BYTES as EVENT_BYTES
from tests.support.documents.openapi import Document, closed
from tests.support.documents.openapi import operations as operations_of
from tests.support.documents.openapi_preparations import PLACES, PREPARATIONS
from tests.support.documents.openapi_world import World
from tests.support.documents.recording import (
    Recorded,
    find_differences,
    read_recorded,
    write_recorded,
)
from tests.support.servers.api import TOKEN, Api

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Operation]

Ask = Callable[[AnyCase], None]

#: Answers with a status of 2xx that each operation has to give.
_SUCCESSES = 3
_FIRST_THAT_IS_NONE = 300
#: No worker brings an import here to where it waits for an approval; it is recorded with one.
_NEED_A_WORKER = {
    "approveFlagSegmentListImport",
    "getBigSegmentImportPreview",
    "getFlagSegmentListImportPreview",
}
#: Their answers have no end, or a version that nobody has is a 503 by design; the tests of the
#: dialects hold them.
_NOT_MADE = {
    *("streamDatafile", "streamSdkData", "streamSdkTransfers"),
    *("pollRelayPatches", "streamRelayPatches"),
}
#: Longer than the longest body that the instance takes.
_LONG_BODY = b" " * 100_001
#: The same of operations that take more.
_LONG_BODIES = {
    "putFlagData": b" " * (FLAG_DATA_BYTES + 1),
    "postSdkEvents": b" " * (EVENT_BYTES + 1),
    "postSdkDiagnostics": b" " * (EVENT_BYTES + 1),
}
#: Requests that schemathesis makes for an operation.
_MADE = 3
_CHECKS: list[CheckFunction] = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def operations(world: World, served: Document) -> dict[str, Operation]:
    """Every operation of the document as it is served, with the instance's ids in examples."""
    return _operations(world.real(served))


def test_examples__recorded_again__are_those_of_the_document(
    recorded: Recorded, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("record_examples"):
        write_recorded(recorded)

    differences = "\n".join(find_differences(read_recorded(), recorded))
    assert not differences, f"if the answers are right: ./scripts/record-examples\n{differences}"


def test_api__every_operation__keeps_to_its_document(
    instance: Api, world: World, operations: dict[str, Operation]
) -> None:
    chosen = int(os.environ.get("BIGSEG_OPENAPI_SEED", random.SystemRandom().getrandbits(32)))
    print(f"BIGSEG_OPENAPI_SEED={chosen}")  # noqa: T201  # how to repeat this run
    successes: Counter[str] = Counter()
    with _session() as session:
        for name, operation in operations.items():
            if name in _NOT_MADE:
                continue

            def ask(case: AnyCase, name: str = name) -> None:
                if name in PREPARATIONS:
                    PREPARATIONS[name](world, case)
                own = world.headers_of(name)
                reply = case.call(base_url=instance.url, session=session, headers=own)
                case.validate_response(reply, checks=_CHECKS)
                successes[name] += reply.status_code < _FIRST_THAT_IS_NONE

            for case in _documented(name, operation):
                ask(case)
            _made(operation, _places(name, operation), chosen, ask)

    few = {
        name: successes[name]
        for name in operations.keys() - _NEED_A_WORKER - _NOT_MADE
        if successes[name] < _SUCCESSES
    }
    assert not few, f"operations that succeeded less than {_SUCCESSES} times: {few}"


@pytest.mark.usefixtures("world")
def test_checks__field_that_the_document_does_not_have__is_found(
    instance: Api, served: Document
) -> None:
    lacking = copy.deepcopy(served)
    del lacking["components"]["schemas"]["UserSegment"]["properties"]["_flags"]
    operation = _operations(lacking)["getSegment"]
    case = operation.Case(path_parameters=_places("getSegment", operation))

    with _session() as session, pytest.raises(FailureGroup, match="_flags"):
        case.call_and_validate(base_url=instance.url, session=session, checks=_CHECKS)


def test_refusals__that_any_caller_can_provoke__are_documented_exactly(
    world: World, operations: dict[str, Operation]
) -> None:
    stranger = world.new_token("proj/elsewhere:env/*:segment/*")["token"]
    wrong = [
        f"{name}: {what} gives {reply.status_code}, documented are {sorted(documented)}"
        for name, operation in operations.items()
        for documented in [operation.definition.raw["responses"].keys()]
        for status, what, reply in _provoked(operation, world, stranger)
        if (reply.status_code == status) != (str(status) in documented)
    ]

    assert not wrong, "\n".join(wrong)


def _provoked(
    operation: Operation, world: World, stranger: str
) -> Iterator[tuple[int, str, httpx.Response]]:
    """Which status, what was done for it, and what came."""
    places = _shown_places(operation)
    path, nowhere = (
        operation.path.format(**one) for one in (places, dict.fromkeys(places, "nowhere"))
    )
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    body = next((one["value"] for one in examples.values()), None)

    name = operation.definition.raw["operationId"]
    own = world.headers_of(name)

    def ask(
        url: str, *, headers: Mapping[str, str] = MappingProxyType({}), **options: Any
    ) -> httpx.Response:
        return world.client.request(operation.method, url, headers={**own, **headers}, **options)

    yield 401, "no token", ask(path, json=body, headers={"Authorization": ""})
    headers = {"Authorization": stranger} | world.strange_headers_of(name)
    yield 403, "a token for something else", ask(path, json=body, headers=headers)
    if places:
        yield 404, "a path that leads nowhere", ask(nowhere, json=body)
    if operation.method.upper() != "GET":
        yield 400, "a parameter that none has", ask(path, json=body, params={"no-such": "1"})
    if content:
        yield 415, "a body of text", ask(path, content="{}", headers={"Content-Type": "text/plain"})
        headers = {"Content-Type": "application/json"}
        long = _LONG_BODIES.get(name, _LONG_BODY)
        yield 413, "a body that is too long", ask(path, content=long, headers=headers)


@contextmanager
def _session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = TOKEN
        yield session


def _operations(served: dict[str, Any]) -> dict[str, Operation]:
    schema = schemathesis.openapi.from_dict(closed(served))
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    assert len(found) == len(list(operations_of(served)))
    return {one.definition.raw["operationId"]: one for one in found}


def _places(name: str, operation: Operation) -> dict[str, str]:
    return _shown_places(operation) | dict(PLACES.get(name, {}))


def _shown_places(operation: Operation) -> dict[str, str]:
    return {one.name: one.definition["example"] for one in operation.path_parameters}


def _documented(name: str, operation: Operation) -> Iterator[AnyCase]:
    """Requests as the document shows them, all of them and as many as have to succeed."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    bodies: list[dict[str, Any]] = [
        {"media_type": media_type, "body": example["value"]}
        for media_type, media in content.items()
        for example in media["examples"].values()
    ]
    bodies = bodies or [{}]
    query = {one.name: one.definition["example"] for one in operation.query}
    needed = {one.name: query[one.name] for one in operation.query if one.is_required}
    shown = [(needed, body) for body in bodies] + [(query, bodies[0])] * bool(query)
    for asked, body in itertools.islice(itertools.cycle(shown), max(len(shown), _SUCCESSES)):
        places = _places(name, operation)
        # Preparations change cases, and the document is not theirs to change.
        yield operation.Case(path_parameters=places, query=asked, **copy.deepcopy(body))


def _made(operation: Operation, places: dict[str, str], chosen: int, ask: Ask) -> None:
    """Requests that schemathesis makes: fitting ones here and anywhere, and unfitting ones."""
    strategy = st.one_of(
        operation.as_strategy(GenerationMode.POSITIVE, path_parameters=places),
        operation.as_strategy(GenerationMode.POSITIVE),
    )
    if operation.query or operation.body:
        strategy |= operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=places)

    @hypothesis.seed(chosen)
    @settings(
        max_examples=_MADE,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def run(case: AnyCase) -> None:
        ask(case)

    run()
