"""An unmodified flags-core client evaluates what is managed here, as it is evaluated here."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from random import Random
from typing import Any, Final

import httpx
import pytest

from tests.support.clients.flags_core_client import (
    ClientFailed,
    FlagsCoreClient,
    flags_core_client,
)
from tests.support.servers.api import TOKEN, Api
from tests.support.vercel.projects import (
    OwnProject,
    is_in,
    new_sdk_key,
    new_segment,
)
from tests.support.vercel.segments import in_segment, including, rule

_ENTITIES: Final = 800
_SEEDS: Final = (0, 7, 100_000)
_ID: Final = {"type": "entity", "kind": "user", "attribute": "id"}
_PLAN: Final = {"type": "entity", "kind": "user", "attribute": "plan"}
_TAGS: Final = {"type": "entity", "kind": "user", "attribute": "tags"}
_SEATS: Final = {"type": "entity", "kind": "team", "attribute": "seats"}
_SINCE: Final = {"type": "entity", "kind": "team", "attribute": "since"}
_FREE: Final = {"type": "list", "items": [{"value": "free"}, {"value": "trial", "note": "n"}]}


def _split(promille: float, base: Any = None) -> dict[str, Any]:
    return {"type": "split", "base": base or _ID, "passPromille": promille}


def _on(lhs: Any, cmp: str, rhs: Any = None, **options: Any) -> dict[str, Any]:
    condition = {"lhs": lhs, "cmp": cmp, **options}
    return condition if rhs is None else {**condition, "rhs": rhs}


#: Later ones refer to earlier ones by their slugs.
_SEGMENTS: Final[dict[str, Any]] = {
    "listed": {**including("u1", "u20"), "exclude": {"user": {"plan": [{"value": "free"}]}}},
    "everyone": {"rules": [rule()], "exclude": {"user": {"id": [{"value": "u7"}]}}},
    "quarter": {"rules": [rule(outcome=_split(25_000))]},
    "tiny": {"rules": [rule(outcome=_split(0.5)), rule(name="b")]},
    "paying": {"rules": [rule(_on(_PLAN, "!oneOf", _FREE), _on(_PLAN, "ex"))]},
    "loud": {
        "rules": [
            rule(_on(_PLAN, "startsWith", "PR", cmpOptions={"ignoreCase": True})),
            rule(_on(_TAGS, "containsAnyOf", {"type": "list/inline", "items": [{"value": "x"}]})),
        ]
    },
    "large": {"rules": [rule(_on(_SEATS, "gte", 10)), rule(_on(_SEATS, "gt", "5"))]},
    "early": {"rules": [rule(_on(_SINCE, "before", "2024-02-01"))]},
    "odd": {
        "rules": [
            rule(
                _on(_ID, "regex", {"type": "regex", "pattern": "[13579]$", "flags": ""}),
                outcome=_split(60_000, _PLAN),
            )
        ]
    },
    "nested": {
        "rules": [
            rule(in_segment("paying"), in_segment("quarter", "listed", cmp="oneOf")),
            rule(in_segment("listed", "odd", cmp="!oneOf"), in_segment("early", cmp="!eq")),
        ]
    },
}


@pytest.fixture(scope="module")
def flags_core(api: Api) -> Iterator[FlagsCoreClient]:
    """The client; what uses it is left out ``--without-node``."""
    with flags_core_client(api.url) as client:
        yield client


def _entities(rng: Random) -> dict[str, Any]:
    """Make entities of which parts are missing or of another type."""
    user = {
        "id": rng.choice([f"u{rng.randrange(200)}", f"u{rng.randrange(9)}", 5, None]),
        "plan": rng.choice(["free", "trial", "pro", "Premium", "", 1, True, None]),
        "tags": rng.choice([[], ["x"], ["y", "z"], "x", [1]]),
    }
    team = {
        "seats": rng.choice([1, 9.5, 10, 11, "6", "12", "x", None, [], True]),
        "since": rng.choice(["2024-01-31", "2024-02-01", "2024-02-01T00:00:00Z", "soon", 0]),
    }
    found: dict[str, dict[str, Any]] = {"user": user, "team": team}
    return {
        kind: {name: value for name, value in attributes.items() if rng.random() < 0.9}
        for kind, attributes in found.items()
        if rng.random() < 0.95
    }


@contextmanager
def _evaluator(api: Api, project: OwnProject) -> Iterator[Callable[[Any, int], dict[str, bool]]]:
    """Give what asks the API itself which segments entities are in, by their slugs."""
    address = httpx.URL(api.url)
    connection = HTTPConnection(address.host, address.port)  # httpx takes longer than the answer
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    def ask(entities: Any, seed: int) -> dict[str, bool]:
        body = json.dumps({"entities": entities, "seed": seed})
        connection.request("POST", f"{project.segments}/evaluate", body, headers)
        reply = connection.getresponse()
        found = json.loads(reply.read())
        assert reply.status == 200, found
        assert not found.get("errors"), found
        return {one["slug"]: one["matched"] for one in found["data"]}

    with closing(connection):
        yield ask


def test_client__of_a_datafile__evaluates_as_it_is_evaluated_here(
    api: Api, vercel: httpx.Client, project: OwnProject, flags_core: FlagsCoreClient
) -> None:
    for slug, data in _SEGMENTS.items():
        new_segment(vercel, project, slug, data)
    flags = {f"{slug}-{seed}": is_in(slug, seed=seed) for seed in _SEEDS for slug in _SEGMENTS}
    assert vercel.put(project.definitions, json=flags).status_code == 200
    seed = Random().randrange(2**32)
    rng = Random(seed)
    entities = [_entities(rng) for _ in range(_ENTITIES)]

    flags_core.open(new_sdk_key(vercel, project)["keyValue"])
    found = flags_core.evaluate([*flags], entities)
    requests = flags_core.close()

    with _evaluator(api, project) as evaluate:
        for number, (one, row) in enumerate(zip(entities, found, strict=True)):
            flag_seed = _SEEDS[number % len(_SEEDS)]
            values = dict(zip(flags, row, strict=True))
            by_client = {slug: values[f"{slug}-{flag_seed}"] for slug in _SEGMENTS}
            assert by_client == evaluate(one, flag_seed), f"seed {seed}: {one}"
    for column, slug in enumerate(_SEGMENTS):  # both answers occur for every segment
        assert slug == "tiny" or {row[column] for row in found} == {True, False}, slug
    assert requests == [["GET", "/v1/datafile", 200], ["POST", "/v1/ingest", 202]]


def test_client__of_a_datafile__has_what_was_served(
    vercel: httpx.Client, project: OwnProject, flags_core: FlagsCoreClient
) -> None:
    segment = new_segment(vercel, project, "a", including("u1"))
    definition = is_in("a", seed=3)
    vercel.put(project.definitions, json={"flag": definition})
    flags_core.open(new_sdk_key(vercel, project)["keyValue"])

    found = flags_core.datafile()
    flags_core.close()

    assert json.dumps(found["definitions"]) == json.dumps({"flag": is_in(segment, seed=3)})
    assert found["segments"] == {segment: {"include": {"user": {"id": ["u1"]}}}}
    assert (found["environment"], found["revision"]) == ("p", 2)


def test_client__of_a_revoked_key__says_that_it_has_no_definitions(
    vercel: httpx.Client, project: OwnProject, flags_core: FlagsCoreClient
) -> None:
    key = new_sdk_key(vercel, project)
    vercel.delete(f"{project.sdk_keys}/{key['hashKey']}")

    with pytest.raises(ClientFailed, match="No flag definitions available"):
        flags_core.open(key["keyValue"])
