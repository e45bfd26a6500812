"""Pages of members through re-shards and flips, and samples in which every member is as likely."""

import random
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, assert_refused, create_segment, include
from tests.support.store.building import replace
from worker.store import EnvironmentRef, ListRef, Store


def _ref(store: Store, segment: str) -> ListRef:
    return store.segments.get(EnvironmentRef("default", "production"), segment).ref


def _page(client: httpx.Client, segment: str, **parameters: str | int) -> dict[str, Any]:
    reply = client.get(f"{SEGMENTS}/{segment}/members", params=parameters)
    assert reply.status_code == 200, reply.text
    page: dict[str, Any] = reply.json()
    return page


def test_members__paged_through_a_re_shard__are_each_met_once(
    client: httpx.Client, store: Store
) -> None:
    segment = create_segment(client)
    ref = _ref(store, segment)
    keys = {f"key-{number}" for number in range(700)}
    replace(store, ref, "i0", keys, bits=6)
    met: Counter[str] = Counter()
    cursor: dict[str, str | int] = {}
    for number, bits in enumerate((4, 5, 7, 9, 4, 6)):
        page = _page(client, segment, limit=150, **cursor)
        met.update(page["items"])
        assert not page["changed"]
        if page["cursor"] is None:
            break
        cursor = {"cursor": str(page["cursor"])}
        # What a re-shard does: other shards, and nothing that says that members changed.
        since = store.client.hget(store.keyspace.list_record(ref), "since")
        replace(store, ref, f"re-shard-{number}", keys, bits=bits)
        store.client.hset(store.keyspace.list_record(ref), "since", since)  # type: ignore[arg-type]

    assert met == dict.fromkeys(keys, 1)


def test_members__another_list_published__is_said(client: httpx.Client, store: Store) -> None:
    segment = create_segment(client)
    ref = _ref(store, segment)
    replace(store, ref, "i1", {f"old-{number}" for number in range(100)}, bits=4)
    first = _page(client, segment, limit=10)
    replace(store, ref, "i2", {f"new-{number}" for number in range(100)}, bits=4)

    second = _page(client, segment, cursor=str(first["cursor"]))

    assert second["changed"]
    assert {key[:3] for key in second["items"]} == {"new"}


def test_members__odd_requests__are_answered_or_refused(client: httpx.Client) -> None:
    segment = create_segment(client)
    include(client, segment, "a", "b")

    assert sorted(_page(client, segment)["items"]) == ["a", "b"]
    assert _page(client, segment, list="excluded")["items"] == []
    for wrong in ({"prefix": "a"}, {"cursor": "x"}, {"limit": 1_001}, {"list": "both"}):
        assert_refused(
            client.get(f"{SEGMENTS}/{segment}/members", params=wrong), 400, "invalid_request"
        )
    sampled = client.get(f"{SEGMENTS}/{segment}/sample", params={"n": 5}).json()
    assert sorted(sampled["items"]) == ["a", "b"]


@pytest.mark.parametrize("size", [300, 6_000])
def test_sample__with_a_fixed_seed__takes_every_member_as_often(
    client: httpx.Client, store: Store, size: int
) -> None:
    ref = _ref(store, create_segment(client))
    replace(store, ref, "i1", {f"key-{number}" for number in range(size)}, bits=7)
    source, seen = random.Random(5), Counter[str]()
    draws, each = 20, 300

    for _ in range(draws):
        _, keys = store.browser.sample(ref, "included", each, source)
        assert len(set(keys)) == min(each, size)
        seen.update(keys)

    expected = draws * min(each, size) / size
    chi_square = sum((seen[f"key-{n}"] - expected) ** 2 / expected for n in range(size))
    # Without replacement the statistic is smaller; beyond six deviations something is not uniform.
    assert chi_square < size + 6 * (2 * size) ** 0.5
