"""How the S3 stand-in of a local system is started, and the bucket in it."""

import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from api.local.commands import find_code_directory
from api.local.errors import ServiceUnreachableError
from api.local.probes import request_status
from api.local.processes.supervisor import OBJECTS_TIER, ChildSpec

_STAND_IN_VARIABLES: Mapping[str, str] = {
    # It takes any credentials; without them botocore looks for a metadata service.
    "AWS_ACCESS_KEY_ID": "bigseg",
    "AWS_SECRET_ACCESS_KEY": "bigseg",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
# A profile, a session or another endpoint of the user's would win over the above.
_FOREIGN_VARIABLES = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_DEFAULT_REGION = "us-east-1"


def specify_object_server(port: int, environment: Mapping[str, str], folder: Path) -> ChildSpec:
    """Specify how the S3 stand-in is started.

    Args:
        port: where it listens, on the loopback.
        environment: the environment it inherits.
        folder: where it keeps objects.
    """
    # In production the bucket is on other machines: here it yields the CPU as the workers do.
    server = (sys.executable, "-m", "api.s3", "--port", str(port), "--folder", str(folder))
    command = ("nice", "-n", "10", *server)
    directory = find_code_directory()
    return ChildSpec("objects", command, environment, directory, tier=OBJECTS_TIER, restarts=True)


def point_to_stand_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Build the environment in which S3 clients reach the stand-in."""
    kept = {name: value for name, value in environment.items() if name not in _FOREIGN_VARIABLES}
    return kept | dict(_STAND_IN_VARIABLES)


def make_stand_in_bucket(port: int, bucket: str) -> None:
    """Make the bucket in a new stand-in, ignoring the user's AWS configuration.

    Raises:
        ServiceUnreachableError: the stand-in refuses.
    """
    status = request_status("127.0.0.1", port, f"/{bucket}", method="PUT")
    if status != HTTPStatus.OK:
        message = f"bucket {bucket} cannot be made in the S3 stand-in (status {status})"
        raise ServiceUnreachableError(f"{message}: is BIGSEG_S3_BUCKET a valid name?")


def make_bucket(endpoint: str, bucket: str, environment: Mapping[str, str]) -> bool:
    """Make the bucket if it is missing. Safe to retry.

    Args:
        endpoint: URL of the service.
        bucket: name of the bucket.
        environment: where the region and the credentials are looked up first; then
            botocore's usual places.

    Returns:
        Whether it was made.

    Raises:
        ServiceUnreachableError: the service does not answer, or refuses.
    """
    region = environment.get("BIGSEG_S3_REGION", _DEFAULT_REGION)
    try:
        client = _client(endpoint, region, environment)
        if _has_bucket(client, bucket):
            return False
        constraint = {} if region == _DEFAULT_REGION else {"LocationConstraint": region}
        options = {"CreateBucketConfiguration": constraint} if constraint else {}
        client.create_bucket(Bucket=bucket, **options)
    except (BotoCoreError, ClientError) as exc:
        message = f"bucket {bucket} at {endpoint} can be neither found nor made: {exc}"
        raise ServiceUnreachableError(message) from exc
    return True


def _client(endpoint: str, region: str, environment: Mapping[str, str]) -> Any:  # noqa: ANN401  # botocore makes its clients at run time
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        config=Config(
            connect_timeout=5,
            read_timeout=15,
            retries={"max_attempts": 2},
            # Needs no DNS name for the bucket.
            s3={"addressing_style": "path"},
        ),
    )


def _has_bucket(client: Any, bucket: str) -> bool:  # noqa: ANN401  # see _client
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as exc:
        if exc.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True
