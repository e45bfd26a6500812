"""A refusal of S3 says which object it is about, what is wrong, and what to do."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.proxies.hostile import Fault, HostileProxy, running_hostile_proxy
from tests.support.servers.objects import ObjectServer
from tests.support.servers.s3_refusals import OF_CREDENTIALS, OF_OBJECTS
from worker.objects import (
    CredentialsRefused,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectError,
    ObjectSettings,
    ObjectStore,
    ObjectStoreRefused,
)

_ADVICE: Final[dict[str, tuple[type[ObjectError], str]]] = {
    "unknown key id": (CredentialsRefused, "correct AWS_ACCESS_KEY_ID"),
    "wrong secret": (CredentialsRefused, "correct AWS_SECRET_ACCESS_KEY"),
    "expired token": (CredentialsRefused, "renew the credentials: they have expired"),
    "invalid token": (CredentialsRefused, "renew the credentials: their session token"),
    "clock": (CredentialsRefused, "set this host's clock"),
    "archived": (ObjectArchived, "restore it first (it is in DEEP_ARCHIVE)"),
    "archived tier": (ObjectArchived, "restore it first (it is in ARCHIVE_ACCESS)"),
    "kms denied": (ObjectAccessDenied, "KMS key is enabled and that its policy lets these"),
    "kms denied by its policy": (ObjectAccessDenied, "KMS key is enabled and that its policy"),
    "kms key disabled": (ObjectAccessDenied, "enable the KMS key"),
    "kms key to be deleted": (ObjectAccessDenied, "or cancel its deletion"),
    "customer key": (ObjectStoreRefused, "customer-provided key (SSE-C)"),
    "region of the signature": (ObjectStoreRefused, "region (the bucket is in eu-west-1)"),
    "region of the endpoint": (ObjectStoreRefused, "region (the bucket is in eu-west-1)"),
    "denied by the bucket": (ObjectAccessDenied, "change the resource-based policy that denies"),
    "denied by the organisation": (ObjectAccessDenied, "change the service control policy that"),
    "not allowed": (ObjectAccessDenied, "allow s3:GetObject in the identity-based policy"),
    "not allowed by the owner": (ObjectAccessDenied, "s3:GetObject in the resource-based policy"),
    "missing and not listed": (ObjectAccessDenied, "there is no such object; allow s3:ListBucket"),
    "requester pays": (ObjectAccessDenied, "copy it to a bucket of your own"),
    "no reason": (ObjectAccessDenied, "they need s3:GetObject for it, and s3:ListBucket for its"),
    "disabled": (ObjectAccessDenied, "was disabled by its owner"),
}


@pytest.fixture(scope="module")
def proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def store(proxy: HostileProxy) -> Iterator[ObjectStore]:
    settings = ObjectSettings(s3_endpoint=proxy.endpoint, s3_bucket="refusals")
    with ObjectStore.open(settings) as store:
        yield store


@pytest.mark.parametrize("name", [*OF_CREDENTIALS, *OF_OBJECTS])
def test_head__refused__asks_for_the_reason_that_head_cannot_give(
    proxy: HostileProxy, store: ObjectStore, name: str
) -> None:
    proxy.requests.clear()
    proxy.rule = lambda _: (OF_CREDENTIALS | OF_OBJECTS)[name].fault()
    kind, advice = _ADVICE[name]

    with pytest.raises(ObjectError) as caught:
        store.head("k", bucket="b", briefly=True)

    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.startswith("cannot read s3://b/k: ")
    assert advice in message
    assert "secret" not in message
    assert "AKIA" not in message
    methods = [request.line.split()[0] for request in proxy.requests]
    # In between the driver itself asks for the region, if it may be wrong.
    assert (methods[0], methods[-1]) == ("HEAD", "GET")


def test_head__encrypted_by_a_key_that_is_denied__is_refused_though_its_head_is_not(
    proxy: HostileProxy, store: ObjectStore
) -> None:
    head = Fault(status=200, headers=("ETag: x", "x-amz-server-side-encryption: aws:kms"))
    denied = OF_OBJECTS["kms denied"].fault()

    def answer(size: int) -> None:
        told = Fault(status=200, body="x" * size, headers=head.headers)
        proxy.rule = lambda request: told if request.line.startswith("HEAD") else denied

    answer(1)
    with pytest.raises(ObjectAccessDenied, match="KMS key"):
        store.head("k")
    answer(0)
    assert store.head("k").size_bytes == 0, "there is nothing to be decrypted"


def test_head__being_restored__says_to_wait(proxy: HostileProxy, store: ObjectStore) -> None:
    headers = ("ETag: x", "x-amz-storage-class: GLACIER", 'x-amz-restore: ongoing-request="true"')
    proxy.rule = lambda _: Fault(status=200, headers=headers)
    with pytest.raises(ObjectArchived, match=r"\(GLACIER\) and being restored; import it when"):
        store.head("k")
