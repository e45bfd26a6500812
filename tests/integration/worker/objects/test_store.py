"""The store itself: bucket, health, credentials, and Parquet through random access."""

import io
from contextlib import closing

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.proxies.hostile import Fault, running_hostile_proxy
from tests.support.servers.objects import ObjectServer, ensure_bucket
from tests.support.servers.ports import free_port
from worker.objects import (
    BucketMissing,
    CredentialsRefused,
    ObjectArchived,
    ObjectChanged,
    ObjectSettings,
    ObjectStore,
    ObjectStoreUnavailable,
)


def settings_for(endpoint: str, bucket: str, region: str = "us-east-1") -> ObjectSettings:
    return ObjectSettings(
        s3_endpoint=endpoint, s3_bucket=bucket, s3_region=region, s3_timeout_s=0.5
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_ping__bucket_missing__refused_until_it_is_made(
    s3_server: ObjectServer, region: str
) -> None:
    with ObjectStore.open(settings_for(s3_server.endpoint, f"new-{region}", region)) as store:
        assert store.bucket == f"new-{region}"
        with pytest.raises(BucketMissing, match=f"new-{region}"):
            store.ping()
        ensure_bucket(store)
        store.ping()
    store.close()


def test_ping__nobody_listens__unavailable(s3_server: ObjectServer) -> None:
    assert s3_server.port
    with (
        ObjectStore.open(settings_for(f"http://127.0.0.1:{free_port()}", "b")) as store,
        pytest.raises(ObjectStoreUnavailable, match="cannot reach s3://b"),
    ):
        store.ping()


def test_ping__service_in_trouble__one_try(s3_server: ObjectServer) -> None:
    with (
        running_hostile_proxy(s3_server.port) as proxy,
        ObjectStore.open(settings_for(proxy.endpoint, "b")) as store,
    ):
        proxy.faults.append(Fault(method="HEAD", status=503))
        with pytest.raises(ObjectStoreUnavailable):
            store.ping()
        assert len(proxy.requests) == 1


def test_store__no_credentials__are_refused(
    s3_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with (
        ObjectStore.open(settings_for(s3_server.endpoint, "b")) as store,
        pytest.raises(CredentialsRefused, match="NoCredentialsError"),
    ):
        store.head("k")


def test_store__bucket_missing__said_of_writes_and_lists(s3_server: ObjectServer) -> None:
    with ObjectStore.open(settings_for(s3_server.endpoint, "not-there")) as store:
        with pytest.raises(BucketMissing), store.open_writer("k"):
            pass
        with pytest.raises(BucketMissing):
            store.delete_prefix("k")


def test_head__archived_object__says_so_until_it_is_restored(s3_server: ObjectServer) -> None:
    with (
        ObjectStore.open(settings_for(s3_server.endpoint, "archives")) as store,
        closing(boto3.client("s3", endpoint_url=s3_server.endpoint, region_name="us-east-1")) as s3,
    ):
        ensure_bucket(store)
        for archive in ("GLACIER", "DEEP_ARCHIVE"):
            s3.put_object(Bucket="archives", Key="a", Body=b"x", StorageClass=archive)
            with pytest.raises(ObjectArchived, match=rf"archived \({archive}\); restore it first"):
                store.head("a")
        s3.restore_object(Bucket="archives", Key="a", RestoreRequest={"Days": 1})
        assert store.head("a").size_bytes == 1
        for readable in ("STANDARD", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA"):
            s3.put_object(Bucket="archives", Key="a", Body=b"x", StorageClass=readable)
            assert store.head("a").size_bytes == 1


def test_read__archived_since_it_was_looked_at__says_so(s3_server: ObjectServer) -> None:
    with (
        ObjectStore.open(settings_for(s3_server.endpoint, "archives")) as store,
        closing(boto3.client("s3", endpoint_url=s3_server.endpoint, region_name="us-east-1")) as s3,
    ):
        ensure_bucket(store)
        s3.put_object(Bucket="archives", Key="b", Body=b"x")
        obj = store.head("b")
        s3.put_object(Bucket="archives", Key="b", Body=b"x", StorageClass="GLACIER")
        with pytest.raises(ObjectArchived, match="restore it first"):
            b"".join(store.read_range(obj, 0, 1))


def test_random_access__parquet__columns_read_with_few_requests(s3_server: ObjectServer) -> None:
    table = pa.table({"key": [f"user-{n}" for n in range(50_000)], "other": list(range(50_000))})
    raw = io.BytesIO()
    pq.write_table(table, raw, row_group_size=20_000)
    with (
        running_hostile_proxy(s3_server.port) as proxy,
        ObjectStore.open(settings_for(proxy.endpoint, "parquet")) as store,
    ):
        ensure_bucket(store)
        with store.open_writer("lists/a.parquet") as writer:
            writer.write(raw.getvalue())
        obj = writer.close()
        arrived: list[int] = []
        with (
            store.open_random_access(obj, on_progress=arrived.append) as source,
            pq.ParquetFile(source) as file,
        ):
            assert len(proxy.of_method("GET")) == 1
            assert sum(arrived) == min(65_536, obj.size_bytes)
            groups = [file.read_row_group(n, columns=["key"]) for n in range(3)]
        assert pa.concat_tables(groups) == table.select(["key"])
        assert len(proxy.of_method("GET")) <= 5
        with store.open_writer("lists/a.parquet") as writer:
            writer.write(raw.getvalue() + b" ")
        with store.open_random_access(obj) as source, pytest.raises(ObjectChanged):
            source.read(10)
