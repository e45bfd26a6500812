"""Multipart uploads whose parts clients send themselves, by presigned URLs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors, s3_address
from worker.objects.errors import ObjectNotFound, UploadLost
from worker.objects.info import ObjectInfo

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part that has arrived."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class DirectUploads:
    """Uploads into one bucket; each is named by its object's key and S3's id.

    Safe to share between threads. Every call but ``part_url`` sends requests, may raise
    ``ObjectStoreUnavailable`` and is safe to retry then.
    """

    client: "S3Client"
    presigner: "S3Client"
    """Knows the service by the address that clients use; sends nothing."""
    bucket: str

    def begin(self, key: str) -> str:
        """Begin an upload; gives S3's id.

        Raises:
            ObjectError: the service did not begin it.
        """
        with driver_errors("start the upload of", self.bucket, key):
            return self.client.create_multipart_upload(
                Bucket=self.bucket, Key=key, ContentType="application/octet-stream"
            )["UploadId"]

    def part_url(
        self, key: str, s3_id: str, number: int, *, size_bytes: int, expires_s: int
    ) -> str:
        """Sign a URL to which one part of exactly this size can be PUT. Costs about 0.3 ms.

        The length is part of what is signed, so that a caller can send no more than was asked.

        Raises:
            ObjectError: there are no credentials to sign with.
        """
        with driver_errors("sign a URL for", self.bucket, key):
            return self.presigner.generate_presigned_url(
                "upload_part",
                Params={
                    "Bucket": self.bucket,
                    "Key": key,
                    "UploadId": s3_id,
                    "PartNumber": number,
                    "ContentLength": size_bytes,
                },
                ExpiresIn=expires_s,
            )

    def parts(self, key: str, s3_id: str) -> list[UploadedPart]:
        """The parts that have arrived, by number. Cost: a request for each 1,000.

        Raises:
            UploadLost: the upload was completed or aborted.
            ObjectError: they cannot be listed.
        """
        with driver_errors("list the parts of", self.bucket, key):
            pages = self.client.get_paginator("list_parts")
            return [
                UploadedPart(part["PartNumber"], part["Size"], part["ETag"])
                for page in pages.paginate(Bucket=self.bucket, Key=key, UploadId=s3_id)
                for part in page.get("Parts", ())
            ]

    def complete(self, key: str, s3_id: str, parts: Sequence[UploadedPart]) -> ObjectInfo:
        """Make one object of the parts. Safe to repeat.

        Raises:
            UploadLost: the upload was aborted.
            ObjectError: the parts were not joined.
        """
        size_bytes = sum(part.size_bytes for part in parts)
        try:
            with driver_errors("complete", self.bucket, key):
                etag = self.client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=key,
                    UploadId=s3_id,
                    MultipartUpload={"Parts": _named(parts)},
                )["ETag"]
        except UploadLost as lost:
            return self._find_completed(key, size_bytes, len(parts), lost)
        return ObjectInfo(self.bucket, key, size_bytes, etag)

    def find_completed(self, key: str, size_bytes: int | None) -> ObjectInfo | None:
        """The object of an upload that was completed, whose answer was lost; else ``None``.

        Args:
            key: the object's, which no other upload has.
            size_bytes: its size, if it is known.
        """
        try:
            with driver_errors("look at", self.bucket, key):
                head = self.client.head_object(Bucket=self.bucket, Key=key)
        except ObjectNotFound:
            return None
        if size_bytes not in {None, head["ContentLength"]}:
            return None
        return ObjectInfo(self.bucket, key, head["ContentLength"], head["ETag"])

    def _find_completed(
        self, key: str, size_bytes: int, part_count: int, lost: UploadLost
    ) -> ObjectInfo:
        found = self.find_completed(key, size_bytes)
        if found is None or f'-{part_count}"' not in found.etag:
            raise UploadLost(f"{s3_address(self.bucket, key)} was aborted") from lost
        return found


def _named(parts: Iterable[UploadedPart]) -> "list[CompletedPartTypeDef]":
    return [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
