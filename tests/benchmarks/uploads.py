"""Putting list files into the S3 of a running system."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

from tests.benchmarks.lists import ListFile

_PART_BYTES = 64 * 1024 * 1024


def upload_file(environment: Mapping[str, str], file: ListFile, key: str) -> None:
    """Upload a file from the disk."""
    config = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES)
    with _client(environment) as client:
        client.upload_file(str(file.path), environment["BIGSEG_S3_BUCKET"], key, Config=config)


def upload_blocks(environment: Mapping[str, str], blocks: Iterable[bytes], key: str) -> None:
    """Upload a file that is made meanwhile; holds one part of 64 MiB."""
    where = {"Bucket": environment["BIGSEG_S3_BUCKET"], "Key": key}
    with _client(environment) as client:
        upload = client.create_multipart_upload(**where)["UploadId"]
        parts = []
        for number, part in enumerate(_parts(blocks), 1):
            reply = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
            parts.append({"PartNumber": number, "ETag": reply["ETag"]})
        listed = {"Parts": parts}
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=listed)


def delete_object(environment: Mapping[str, str], key: str) -> None:
    """Delete a file."""
    with _client(environment) as client:
        client.delete_object(Bucket=environment["BIGSEG_S3_BUCKET"], Key=key)


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= _PART_BYTES:
            yield bytes(held[:_PART_BYTES])
            del held[:_PART_BYTES]
    if held:
        yield bytes(held)


@contextmanager
def _client(environment: Mapping[str, str]) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=environment["BIGSEG_S3_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        yield client
    finally:
        client.close()
