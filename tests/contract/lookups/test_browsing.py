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
        replace(store, ref, f"re-shard-{number}", keys, bits=bits, kind="reshard")

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
    assert second["published"] > first["published"]


def test_members__odd_requests__are_answered_or_refused(client: httpx.Client) -> None:
    segment = create_segment(client)
    include(client, segment, "a", "b")

    assert sorted(_page(client, segment)["items"]) == ["a", "b"]
    assert _page(client, segment, list="excluded")["items"] == []
    for wrong in ({"prefix": "a"}, {"limit": 1_001}, {"limit": 0}, {"list": "both"}):
        assert_refused(
            client.get(f"{SEGMENTS}/{segment}/members", params=wrong), 400, "invalid_request"
        )
    sampled = client.get(f"{SEGMENTS}/{segment}/sample", params={"n": 5}).json()
    assert sorted(sampled["items"]) == ["a", "b"]


def _list_of_cursors(client: httpx.Client, segment: str) -> str:
    """What cursors of a segment's included list end in."""
    include(client, segment, "a", "b")
    return str(_page(client, segment, limit=1)["cursor"]).rpartition(".")[2]


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="empty"),
        pytest.param("5", id="no hash"),
        pytest.param("5.ffff.LIST", id="short hash"),
        pytest.param("5.00000000000000000.LIST", id="long hash"),
        pytest.param("5.FFFFFFFFFFFFFFFF.LIST", id="capitals"),
        pytest.param("5.ffffffffffffffff", id="no list"),
        pytest.param("5.ffffffffffffffff.00000000", id="another list"),
        pytest.param("-5.ffffffffffffffff.LIST", id="negative"),
        pytest.param("\u0665.ffffffffffffffff.LIST", id="digits of another script"),
        pytest.param("5.ffffffffffffffff.LIST\n", id="line break"),
        pytest.param("9" * 5_000 + ".ffffffffffffffff.LIST", id="huge"),
        pytest.param("5.ffffffffffffffff.LIST\0*", id="control character"),
    ],
)
def test_members__cursor_that_no_page_gave__is_refused(client: httpx.Client, cursor: str) -> None:
    segment = create_segment(client)
    cursor = cursor.replace("LIST", _list_of_cursors(client, segment))

    reply = client.get(f"{SEGMENTS}/{segment}/members", params={"cursor": cursor})

    assert_refused(reply, 400, "invalid_request")
    assert "cursor" in reply.json()["message"]


def test_members__cursor_of_another_list__is_refused_and_begins_none_in_the_middle(
    client: httpx.Client,
) -> None:
    one, other = create_segment(client), create_segment(client)
    for segment in (one, other):
        include(client, segment, "a", "b")
    cursor = _page(client, one, limit=1)["cursor"]

    for path, side in ((one, "excluded"), (other, "included")):
        wrong = {"cursor": cursor, "list": side}
        reply = client.get(f"{SEGMENTS}/{path}/members", params=wrong)
        assert "of another list" in assert_refused(reply, 400, "invalid_request")


def test_members__cursor_made_up_at_an_end__gives_no_member_twice(client: httpx.Client) -> None:
    segment = create_segment(client)
    include(client, segment, "a", "b")

    name = _list_of_cursors(client, segment)
    assert sorted(_page(client, segment, cursor=f"0.{0:016x}.{name}")["items"]) == ["a", "b"]
    last = _page(client, segment, cursor=f"{'9' * 15}.{'f' * 16}.{name}")
    assert (last["items"], last["cursor"], last["changed"]) == ([], None, True)


def test_members__token_of_another_segment__reads_neither_pages_nor_samples(
    client: httpx.Client,
) -> None:
    segment, other = create_segment(client), create_segment(client)
    include(client, segment, "secret-key")
    resource = f"proj/*:env/*:segment/{other}"
    role = [{"effect": "allow", "actions": ["*"], "resources": [resource]}]
    created = client.post("/api/v2/tokens", json={"name": "other", "inlineRole": role})
    headers = {"Authorization": created.json()["token"]}

    for what in ("members", "sample"):
        refused = client.get(f"{SEGMENTS}/{segment}/{what}", headers=headers)
        assert_refused(refused, 403, "forbidden")
        assert client.get(f"{SEGMENTS}/{other}/{what}", headers=headers).status_code == 200


def test_members__shard_lost__is_unavailable(client: httpx.Client, store: Store) -> None:
    segment = create_segment(client)
    include(client, segment, "a")
    ref = _ref(store, segment)
    live = store.memberships.state(ref).live
    raw: Any = store.client
    raw.delete(store.keyspace.shard(ref, live.name, "included", 3))

    for what in ("members", "sample"):
        reply = client.get(f"{SEGMENTS}/{segment}/{what}")
        assert_refused(reply, 503, "service_unavailable")


@pytest.mark.parametrize(("size", "bits"), [(300, 7), (6_000, 7), (5_000, 10)])
def test_sample__with_a_fixed_seed__takes_every_member_as_often(
    client: httpx.Client, store: Store, size: int, bits: int
) -> None:
    ref = _ref(store, create_segment(client))
    replace(store, ref, "i1", {f"key-{number}" for number in range(size)}, bits=bits)
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
