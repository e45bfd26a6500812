"""Writes ask for the encryption of the settings, all of them, and pass a policy that demands it."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from tests.support.proxies.hostile import Fault, HostileProxy, Request, running_hostile_proxy
from tests.support.servers.objects import ObjectServer, ensure_bucket
from worker.objects import ObjectAccessDenied, ObjectSettings, ObjectStore
from worker.objects.client import open_clients

_HEADER = "x-amz-server-side-encryption"
_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1f9d6a0e-6a3c-4d0e-9b0e-2f1c7a5d8e90"
_BUCKET_KEY_HEADER = "x-amz-server-side-encryption-bucket-key-enabled"
_PART = 8 * 1024 * 1024


def _policy(request: Request) -> Fault | None:
    """Refuse what would make an object without encryption."""
    making = request.line.startswith("PUT ") and "partNumber=" not in request.line
    making = making or (request.line.startswith("POST ") and "?uploads" in request.line)
    if making and request.line.count("/") > 2 and _HEADER not in request.headers:
        return Fault(status=403, code="AccessDenied")
    return None


@pytest.fixture(scope="module")
def proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as proxy:
        proxy.rule = _policy
        yield proxy


def _settings(proxy: HostileProxy, **values: str) -> ObjectSettings:
    return ObjectSettings.model_validate(
        {"s3_endpoint": proxy.endpoint, "s3_bucket": "encrypted", **values}
    )


@pytest.mark.parametrize(
    ("values", "headers"),
    [
        ({"s3_encryption": "AES256"}, {_HEADER: "AES256"}),
        ({"s3_encryption": "aws:kms"}, {_HEADER: "aws:kms"}),
        (
            {"s3_encryption": "aws:kms", "s3_kms_key_id": _KMS_KEY},
            {_HEADER: "aws:kms", _KEY_HEADER: _KMS_KEY},
        ),
        (
            {"s3_encryption": "aws:kms:dsse", "s3_kms_key_id": _KMS_KEY},
            {_HEADER: "aws:kms:dsse", _KEY_HEADER: _KMS_KEY},
        ),
        (
            {"s3_encryption": "aws:kms", "s3_bucket_key": "true"},
            {_HEADER: "aws:kms", _BUCKET_KEY_HEADER: "true"},
        ),
    ],
)
def test_write__encryption_set__is_asked_for_by_every_object_and_no_part(
    proxy: HostileProxy, values: dict[str, str], headers: dict[str, str]
) -> None:
    with ObjectStore.open(_settings(proxy, **values)) as store:
        ensure_bucket(store)
        proxy.requests.clear()
        for key, size in (("small", 1), ("large", _PART + 1)):
            with store.open_writer(key) as writer:
                writer.write(b"x" * size)
            info = writer.close()
            assert b"".join(store.read_range(info, 0, size)) == b"x" * size

    for request in proxy.requests:
        making = _policy(Request(request.line, {}, b"", b"")) is not None
        sent = {name: request.headers.get(name) for name in headers}
        assert sent == (headers if making else dict.fromkeys(headers)), request.line
    assert sum("?uploads" in request.line for request in proxy.requests) == 1
    assert sum("partNumber=" in request.line for request in proxy.requests) == 2


def test_write__none_set_and_the_policy_demands_it__names_the_setting(
    proxy: HostileProxy,
) -> None:
    with ObjectStore.open(_settings(proxy)) as store:
        ensure_bucket(store)
        for size in (1, _PART + 1):
            with (
                pytest.raises(ObjectAccessDenied, match="BIGSEG_S3_ENCRYPTION"),
                store.open_writer("refused") as writer,
            ):
                writer.write(b"x" * size)


def test_copy_and_presigned_address__encryption_set__ask_for_it_too(proxy: HostileProxy) -> None:
    settings = _settings(proxy, s3_encryption="aws:kms", s3_kms_key_id=_KMS_KEY)
    with ObjectStore.open(settings) as store:
        ensure_bucket(store)
        with store.open_writer("copied") as writer:
            writer.write(b"x")
    client, probe = open_clients(settings)
    try:
        proxy.requests.clear()
        client.copy_object(
            Bucket="encrypted", Key="copy", CopySource={"Bucket": "encrypted", "Key": "copied"}
        )
        assert proxy.requests[-1].headers[_HEADER] == "aws:kms"
        url = client.generate_presigned_url(
            "put_object", Params={"Bucket": "encrypted", "Key": "presigned"}
        )
        assert _HEADER in url.lower()
        headers = {_HEADER: "aws:kms", _KEY_HEADER: _KMS_KEY}
        assert httpx.put(url, content=b"x", headers=headers).status_code == 200
    finally:
        client.close()
        probe.close()


@pytest.mark.parametrize(
    "values",
    [
        {"s3_kms_key_id": _KMS_KEY},
        {"s3_encryption": "AES256", "s3_kms_key_id": _KMS_KEY},
        {"s3_encryption": "aes256"},
        {"s3_encryption": "aws:kms", "s3_kms_key_id": ""},
        {"s3_bucket_key": "true"},
        {"s3_encryption": "aws:kms:dsse", "s3_bucket_key": "true"},
    ],
)
def test_settings__that_contradict_each_other__are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ObjectSettings.model_validate(values)
