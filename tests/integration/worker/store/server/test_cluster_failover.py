"""A primary of a cluster changes places with its replica: the new one is asked, in seconds."""

from collections.abc import Iterator

import httpx
import pytest
from redis.crc import key_slot

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    create_segment,
    include,
    running_api,
)
from tests.support.servers.redis import (
    Cluster,
    Server,
    last_without_s,
    running_cluster,
    running_cluster_replica,
    running_server,
    wait_until,
)

_EVALUATE = "/api/v2/projects/default/environments/production/segments/evaluate"
_LIMIT_S = 2.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of the module's own, to be changed."""
    with running_cluster("valkey") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    with (
        running_server("valkey") as broker,
        running_api(cluster.url, {"BROKER_URL": broker.url}) as api,
    ):
        yield api


def _primary_of(cluster: Cluster, api: Api, segment: str) -> Server:
    with api.store() as store:
        record = store.keyspace.list_record(store.segments.get(PRODUCTION, segment).ref)
    return cluster.nodes[key_slot(record.encode()) * 3 // 16_384]


def _membership(client: httpx.Client, segment: str) -> tuple[object, object]:
    looked_up = client.get(f"{SEGMENTS}/{segment}/contexts/a")
    evaluated = client.post(_EVALUATE, json={"key": "a"})
    assert {looked_up.status_code, evaluated.status_code} <= {200, 503}
    found = {one["key"]: one["isMember"] for one in evaluated.json().get("items", ())}
    return looked_up.json().get("included"), found.get(segment)


def test_cluster__primary_demoted__its_answers_count_no_more(cluster: Cluster, api: Api) -> None:
    with api.client() as client:
        segment = create_segment(client)
        include(client, segment, "a")
        primary = _primary_of(cluster, api, segment)
        with running_cluster_replica(cluster, primary) as replica:
            assert _membership(client, segment) == (True, True)

            replica.command_reply("CLUSTER", "FAILOVER")
            wait_until(lambda: b"slave" in primary.command_reply("ROLE"), "it is demoted")
            body = {"included": {"remove": ["a"]}}
            path = f"{SEGMENTS}/{segment}/contexts"
            for condition, what in (
                (lambda: client.post(path, json=body).status_code == 204, "it is edited"),
                (lambda: _membership(client, segment) == (False, False), "both see it"),
            ):
                assert last_without_s(condition, what) < _LIMIT_S
