"""How the S3 clients are made: timeouts, retries, the pool and encryption, with reasons."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from worker.settings import ObjectSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client  # stubs, absent at run time

#: Seconds to open a connection; a host that is up accepts at once.
_CONNECT_TIMEOUT_S = 5.0
#: Seconds the health check waits; it runs every few seconds and must not pile up.
_PROBE_TIMEOUT_S = 2.0
#: Tries of one request. A few, because streams and tasks have tries of their own.
_ATTEMPTS = 3
#: Connections kept open: as many as an API process has threads for uploads and downloads.
_POOL_CONNECTIONS = 40
#: The requests that create an object and set its encryption; a part inherits its upload's.
_MAKING: Final = ("PutObject", "CopyObject", "CreateMultipartUpload")

#: The driver's own descriptions: of all services, and of S3.
_GENERAL: Final = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
_OF_S3: Final = ("service-2", "endpoint-rule-set-1", "paginators-1")


def load_descriptions() -> None:
    """Read what the driver reads before it makes a client, once for this process and its forks.

    Takes nearly all of what the first client costs otherwise; opens no connection.
    """
    loader = _loader()
    for name in _GENERAL:
        loader.load_data(name)
    for kind in _OF_S3:
        loader.load_service_model("s3", kind, api_version=None)


@functools.cache
def _loader() -> Loader:
    """What reads the descriptions, and keeps them."""
    loader: Loader = botocore.session.get_session().get_component("data_loader")
    return loader


def open_clients(settings: ObjectSettings) -> tuple["S3Client", "S3Client"]:
    """Make the client for objects and the one for health checks (one try, short timeouts).

    Opens no connection. Costs about 0.2 s and 15 MB the first time in a process, and 0.04 s after
    `load_descriptions`. Both clients are safe to share between threads. Credentials come from the
    usual AWS chain, at the first request.
    """
    session = _session()
    return (
        _client(session, settings, settings.s3_timeout_s, _ATTEMPTS),
        _client(session, settings, min(settings.s3_timeout_s, _PROBE_TIMEOUT_S), 1),
    )


def open_presigner(settings: ObjectSettings) -> "S3Client":
    """Make the client that signs URLs for clients, under the address that they use.

    Sends nothing. The signature is always version 4: the older one, the driver's default for URLs
    in some regions, signs no length and is refused for objects under KMS.
    """
    public = settings.s3_public_endpoint or settings.s3_endpoint
    # The global host of AWS redirects uploads into new buckets, which clients cannot follow.
    addressing: Literal["path", "virtual"] = "path" if public else "virtual"
    presigner = _session().create_client(
        "s3",
        endpoint_url=public,
        region_name=settings.s3_region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": addressing},
            request_checksum_calculation="when_required",
        ),
    )
    return cast("S3Client", presigner)


def _session() -> botocore.session.Session:
    """Make a session, which threads must not share, of descriptions that they may."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    return session


def _client(
    session: botocore.session.Session, settings: ObjectSettings, timeout_s: float, attempts: int
) -> "S3Client":
    # Other services often have no wildcard DNS for bucket.host.
    addressing: Literal["path", "auto"] = "path" if settings.s3_endpoint else "auto"
    made = session.create_client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        config=Config(
            connect_timeout=min(_CONNECT_TIMEOUT_S, timeout_s),
            read_timeout=timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            tcp_keepalive=True,
            max_pool_connections=_POOL_CONNECTIONS,
            s3={
                "addressing_style": addressing,
                "payload_signing_enabled": _signs_payload(settings.s3_endpoint),
            },
            # The newer default adds checksum trailers that other services refuse, and hashes
            # every byte read; TLS and If-Match cover what is needed here.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client = cast("S3Client", made)
    _encrypt_writes(client, settings)
    return client


def _signs_payload(endpoint: str | None) -> bool:
    """Whether bodies are hashed for the signature, which takes half of a write's CPU.

    TLS protects them already, and nobody else can reach the loopback.
    """
    parts = urlsplit(endpoint or "https://")
    return parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}


def _encrypt_writes(client: "S3Client", settings: ObjectSettings) -> None:
    """Make every request of the client that creates an object ask for encryption.

    A hook of the driver, not an argument of each call, so that no call and no presigned URL can
    omit it.

    Source: Amazon S3 API reference, ``PutObject``, header ``x-amz-server-side-encryption``.
    """
    arguments = _encryption_arguments(settings)
    if not arguments:
        return

    def add(params: dict[str, Any], **_: object) -> None:
        params.update(arguments)

    for operation in _MAKING:
        client.meta.events.register(f"before-parameter-build.s3.{operation}", add)


def _encryption_arguments(settings: ObjectSettings) -> Mapping[str, str | bool]:
    """The encryption parameters of a request; none where the bucket's default applies."""
    if settings.s3_encryption is None:
        return {}
    arguments: dict[str, str | bool] = {"ServerSideEncryption": settings.s3_encryption}
    if settings.s3_kms_key_id is not None:
        arguments["SSEKMSKeyId"] = settings.s3_kms_key_id
    if settings.s3_bucket_key is not None:
        arguments["BucketKeyEnabled"] = settings.s3_bucket_key
    return arguments
