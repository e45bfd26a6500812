"""How the S3 clients are made: timeouts, retries, the pool and encryption, with reasons."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import boto3.session
from botocore.config import Config

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


def open_clients(settings: ObjectSettings) -> tuple["S3Client", "S3Client"]:
    """Make the client for objects and the one for health checks (one try, short timeouts).

    Opens no connection. Costs about 0.3 s and 15 MB the first time in a process. Both clients are
    safe to share between threads. Credentials come from the usual AWS chain, at the first request.
    """
    # A session of its own: boto3's default one is shared state and not safe between threads.
    session = boto3.session.Session()
    return (
        _client(session, settings, settings.s3_timeout_s, _ATTEMPTS),
        _client(session, settings, min(settings.s3_timeout_s, _PROBE_TIMEOUT_S), 1),
    )


def _client(
    session: boto3.session.Session, settings: ObjectSettings, timeout_s: float, attempts: int
) -> "S3Client":
    # Other services often have no wildcard DNS for bucket.host.
    addressing: Literal["path", "auto"] = "path" if settings.s3_endpoint else "auto"
    client = session.client(
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
