"""Lists of imports, of a segment and of an environment: filters, pages, and who sees which."""

from collections.abc import Sequence
from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import PRODUCTION, SEGMENTS, Api, assert_refused, create_segment
from worker.store import JobRef, Store

ENVIRONMENT: Final = "/api/v2/projects/default/environments/production/imports"


def _start(client: httpx.Client, segment: str, mode: str = "merge") -> str:
    """Start an import; its path."""
    path = f"{SEGMENTS}/{segment}/imports"
    reply = client.post(path, files={"file": ("list.csv", b"a\n")}, data={"mode": mode})
    assert reply.status_code == 204, reply.text
    location: str = reply.headers["location"]
    return location


def _paths(page: dict[str, Any]) -> list[str]:
    return [item["_links"]["self"]["href"] for item in page["items"]]


@pytest.fixture
def segments(client: httpx.Client) -> tuple[str, str]:
    return create_segment(client), create_segment(client)


@pytest.fixture
def started(client: httpx.Client, segments: tuple[str, str]) -> list[str]:
    """Imports into one segment: one that runs, and two cancelled ones; the second is elsewhere."""
    one, other = segments
    locations: list[str] = []
    for mode in ("replace", "merge"):
        locations.insert(0, _start(client, one, mode))
        client.delete(locations[0])
    return [_start(client, one, "merge"), _start(client, other, "replace"), *locations]


def test_list__of_a_segment_with_a_filter__has_what_matches(
    client: httpx.Client, segments: tuple[str, str], started: Sequence[str]
) -> None:
    path = f"{SEGMENTS}/{segments[0]}/imports"

    def listed(**query: Any) -> list[str]:
        page = client.get(path, params=query).json()
        assert page["totalCount"] == len(page["items"])
        return _paths(page)

    running, _, merged, replaced = started
    assert listed() == [running, merged, replaced]
    assert listed(filter='status equals "stopped"') == [merged, replaced]
    assert listed(filter='status anyOf ["ready", "complete"]') == [running]
    assert listed(filter='mode equals "replace"') == [replaced]
    assert listed(filter='status equals "stopped",mode equals "merge"') == [merged]
    assert listed(filter='initiator equals "admin token"') == [running, merged, replaced]
    assert listed(filter='initiator equals "nobody"') == []
    created = client.get(merged).json()["creationTime"]
    times = [client.get(each).json()["creationTime"] for each in (running, merged, replaced)]
    assert listed(after=created) == [running] * (times[0] > created)
    assert listed(before=created) == [replaced] * (times[2] < created)
    assert listed(after=created - 1, before=created + 1).count(merged) == 1
    assert_refused(client.get(path, params={"filter": "size equals 3"}), 400, "invalid_request")
    for term, meant in (('status equals "completed"', "complete"), ('mode anyOf ["add"]', "modes")):
        wrong = client.get(path, params={"filter": term})
        assert meant in assert_refused(wrong, 400, "invalid_request")
    assert_refused(client.get(path, params={"after": -1}), 400, "invalid_request")


def test_list__of_an_environment__comes_page_by_page_with_all_segments(
    client: httpx.Client, store: Store, started: Sequence[str]
) -> None:
    page = client.get(ENVIRONMENT, params={"limit": 2, "filter": 'mode anyOf ["merge"]'}).json()
    whole = client.get(ENVIRONMENT, params={"limit": 100}).json()
    second = client.get(ENVIRONMENT, params={"limit": 2, "offset": 2}).json()

    own = [href for href in _paths(whole) if href in started]
    assert own == [started[1], started[0], *started[2:]], "newest first"
    assert whole["items"][0] == client.get(started[1]).json()
    assert _paths(second) == _paths(whole)[2:4]
    assert _paths(page) == [started[0], started[2]]
    if "next" in page["_links"]:
        following = client.get(page["_links"]["next"]["href"]).json()
        assert {item["mode"] for item in following["items"]} == {"merge"}
    gone = JobRef("import", PRODUCTION, started[3].rpartition("/")[2])
    store.client.unlink(store.keyspace.job(PRODUCTION, gone.kind, gone.job_id))
    left = client.get(ENVIRONMENT, params={"limit": 100}).json()
    assert left["totalCount"] < whole["totalCount"]
    assert started[3] not in _paths(left)
    unknown = ENVIRONMENT.replace("production", "no-such")
    assert_refused(client.get(unknown), 404, "not_found")


def test_list__of_an_environment__leaves_out_what_the_caller_may_not_see(
    api: Api, client: httpx.Client, segments: tuple[str, str], started: Sequence[str]
) -> None:
    seen = f"proj/default:env/production:segment/{segments[1]}"
    statement = {"effect": "allow", "actions": ["*"], "resources": [seen]}
    body = {"name": "sees one segment", "role": "reader", "inlineRole": [statement]}
    made = client.post("/api/v2/tokens", json=body)
    assert made.status_code == 201, made.text
    with api.client(made.json()["token"]) as reader:
        page = reader.get(ENVIRONMENT).json()
        assert (_paths(page), page["totalCount"]) == ([started[1]], 1)
        assert reader.delete(started[1]).status_code == 403


def test_list__environment_is_deleted_and_created_again__starts_empty(
    client: httpx.Client,
) -> None:
    environments = "/api/v2/projects/default/environments"
    body = {"key": "lists", "name": "Lists", "color": "000000"}
    assert client.post(environments, json=body).status_code == 201
    path = "/api/v2/segments/default/lists"
    client.post(path, json={"key": "a", "name": "a", "unbounded": True})
    client.post(f"{path}/a/imports", files={"file": ("list.csv", b"a\n")})
    listed = f"{environments}/lists/imports"
    assert client.get(listed).json()["totalCount"] == 1

    client.delete(f"{environments}/lists")
    assert client.post(environments, json=body).status_code == 201

    assert client.get(listed).json()["totalCount"] == 0
    client.delete(f"{environments}/lists")
