"""Many clients patch one segment at one time; what each did is still there in the end."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.clients.python_client import SEMANTIC
from tests.support.servers.api import SEGMENTS, Api, create_segment

WRITERS, PATCHES = 6, 8


def test_patch__many_writers_of_each_kind__none_is_lost(api: Api, client: httpx.Client) -> None:
    key = create_segment(client, big=False)
    path = f"{SEGMENTS}/{key}"

    def write(writer: int) -> set[str]:
        """Add keys, half of them by instructions; give those that were acknowledged."""
        added = set()
        with api.client() as own:
            for turn in range(PATCHES):
                name = f"w{writer}-{turn}"
                if turn % 2:
                    instruction = {"kind": "addIncludedUsers", "values": [name]}
                    body = {"instructions": [instruction]}
                    reply = own.patch(path, json=body, headers={"Content-Type": SEMANTIC})
                else:
                    operation = {"op": "add", "path": "/included/0", "value": name}
                    reply = own.patch(path, json=[operation])
                assert reply.status_code in {200, 409}, reply.text
                if reply.status_code == 200:
                    added.add(name)
        return added

    with ThreadPoolExecutor(WRITERS) as pool:
        acknowledged = set().union(*pool.map(write, range(WRITERS)))

    shown = client.get(path).json()
    assert acknowledged
    assert set(shown["included"]) == acknowledged
    assert len(shown["included"]) == len(acknowledged)
    assert shown["version"] == 1 + len(acknowledged)


def test_patch__guarded_by_version__one_of_many_wins(api: Api, client: httpx.Client) -> None:
    key = create_segment(client, big=False)
    path = f"{SEGMENTS}/{key}"

    def attempt(number: int) -> int:
        patch = [
            {"op": "test", "path": "/version", "value": 1},
            {"op": "add", "path": "/tags/-", "value": f"t{number}"},
        ]
        with api.client() as own:
            return own.patch(path, json=patch).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(attempt, range(8)))

    assert statuses == [200] + [409] * 7
    assert client.get(path).json()["version"] == 2


def test_instruct__opposite_lists_at_once__no_key_is_in_both(
    api: Api, client: httpx.Client
) -> None:
    key = create_segment(client)
    path = f"{SEGMENTS}/{key}"
    keys = [f"k{n}" for n in range(20)]

    def add(kind: str) -> list[int]:
        with api.client() as own:
            return [
                own.patch(
                    path,
                    json={"instructions": [{"kind": kind, "values": [one]}]},
                    headers={"Content-Type": SEMANTIC},
                ).status_code
                for one in keys
            ]

    with ThreadPoolExecutor(2) as pool:
        kinds = ("addBigSegmentIncludedTargets", "addBigSegmentExcludedTargets")
        included, excluded = pool.map(add, kinds)

    for one, of_included, of_excluded in zip(keys, included, excluded, strict=True):
        assert sorted((of_included, of_excluded)) == [200, 400]
        answer = client.get(f"{path}/contexts/{one}").json()
        assert answer["included"] is not answer["excluded"]
