"""Ten thousand segments with a hundred targets each, listed page by page."""

from collections.abc import Iterator

import pytest

from api.launchdarkly.targeting.stored import encode_targeting
from api.launchdarkly.targeting.values import SegmentDocument
from tests.support.servers.api import PRODUCTION, SEGMENTS, Api, running_api
from tests.support.servers.durations import request_ms
from tests.support.servers.redis import Server
from worker.store import Segment, Store
from worker.store.segments.definitions import encode_segment

SEGMENT_COUNT, TARGET_COUNT = 10_000, 100
#: Of the server that lists them, on two cores.
LIMIT_MS = 100


@pytest.fixture(scope="module")
def large(valkey_server: Server) -> Iterator[Api]:
    with running_api(valkey_server.url) as api:
        with api.store() as store:
            _fill(store)
        yield api


def _fill(store: Store) -> None:
    """Write the definitions past the scripts: one by one would take half a minute."""
    keys = store.keyspace
    for start in range(0, SEGMENT_COUNT, 500):
        pipeline = store.client.pipeline(transaction=False)
        for n in range(start, start + 500):
            key, tags = f"segment-{n:05d}", (f"tag-{n % 100}",)
            segment = Segment(
                PRODUCTION, key, f"Segment {n}", 1, n, n, description="d", tags=tags, targeted=True
            )
            targets = tuple(f"user-{n}-{m:04d}-0123456789" for m in range(TARGET_COUNT))
            pipeline.hset(keys.segments(PRODUCTION), key, encode_segment(segment))
            targeting = encode_targeting(SegmentDocument(name="n", included=targets))
            pipeline.set(keys.targeting(PRODUCTION, key), targeting or "")
        pipeline.hset(keys.environment_state(PRODUCTION), "changed", "filled")
        pipeline.execute()


@pytest.mark.parametrize(
    "query",
    ["limit=20", "limit=100&offset=5000&sort=name", 'filter=tags anyOf ["tag-7"]&limit=50'],
)
def test_list__ten_thousand_segments__is_quick(large: Api, query: str) -> None:
    with large.client() as client:
        assert client.get(f"{SEGMENTS}?{query}").json()["totalCount"] in {SEGMENT_COUNT, 100}

        def ask() -> None:
            assert client.get(f"{SEGMENTS}?{query}").status_code == 200

        # Other processes of the run may take the cores: one undisturbed series is enough.
        assert any(request_ms(ask, large.process.pid, 9) < LIMIT_MS for _ in range(4))


def test_list__whole_pages__are_all_segments_with_their_targets(large: Api) -> None:
    with large.client() as client:
        page = client.get(f"{SEGMENTS}?limit=1000&offset=3000").json()

    assert [one["key"] for one in page["items"][:2]] == ["segment-06999", "segment-06998"]
    assert {len(one["included"]) for one in page["items"]} == {TARGET_COUNT}
    assert len(page["items"]) == 1000


def test_list__one_changed_meanwhile__is_shown(large: Api) -> None:
    with large.client() as client:
        client.get(SEGMENTS)
        changed = client.patch(f"{SEGMENTS}/segment-00000", json={"included": ["only"]}).json()

        page = client.get(f"{SEGMENTS}?sort=-lastModified&limit=1").json()

    assert changed.pop("_access")["denied"] == []
    assert page["items"] == [changed]
