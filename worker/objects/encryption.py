"""Server-side encryption of all that is written, where the settings ask for it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from worker.settings import ObjectSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The requests that make an object and say how it is encrypted; a part takes what its upload said.
_MAKING: Final = ("PutObject", "CopyObject", "CreateMultipartUpload")


def encrypt_writes(client: "S3Client", settings: ObjectSettings) -> None:
    """Have every request of the client that makes an object ask for encryption.

    A hook of the driver, not an argument of each call: no call, and no presigned address, can
    go without it.

    Source: Amazon S3 API reference, ``PutObject``, header ``x-amz-server-side-encryption``.
    """
    arguments = encryption_arguments(settings)
    if not arguments:
        return

    def add(params: dict[str, Any], **_: object) -> None:
        params.update(arguments)

    for operation in _MAKING:
        client.meta.events.register(f"before-parameter-build.s3.{operation}", add)


def encryption_arguments(settings: ObjectSettings) -> Mapping[str, str]:
    """What a request says of the encryption; nothing where the bucket's default is to hold."""
    if settings.s3_encryption is None:
        return {}
    arguments: dict[str, str] = {"ServerSideEncryption": settings.s3_encryption}
    if settings.s3_kms_key_id is not None:
        arguments["SSEKMSKeyId"] = settings.s3_kms_key_id
    return arguments
