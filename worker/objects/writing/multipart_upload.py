"""Multipart uploads: parts sent in the background, and the end of unfinished uploads."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors, s3_address
from worker.objects.errors import ObjectNotFound, UploadLost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

#: Parts being sent at a time: two keep a link busy over the pauses between requests.
PARTS_IN_FLIGHT = 2


class MultipartUpload:
    """One multipart upload: parts in, in order, then ``complete`` or ``abort``.

    Holds at most two parts. For one thread at a time; it has two of its own until it ends. After
    an error the caller aborts.
    """

    def __init__(
        self,
        client: "S3Client",
        probe: "S3Client",
        *,
        bucket: str,
        key: str,
        content_type: str,
    ) -> None:
        """Start the upload.

        Args:
            client: sends the parts.
            probe: tries once, with a short timeout.
            bucket: where the object is to be.
            key: its key.
            content_type: its media type.

        Raises:
            ObjectError: the service did not start it.
        """
        self.bucket = bucket
        self.key = key
        self.part_count = 0
        self._client = client
        self._probe = probe
        self._sent: list[CompletedPartTypeDef] = []
        self._sending: set[Future[CompletedPartTypeDef]] = set()
        with driver_errors("start the upload of", bucket, key):
            self._upload_id = client.create_multipart_upload(
                Bucket=bucket, Key=key, ContentType=content_type
            )["UploadId"]
        self._threads = ThreadPoolExecutor(PARTS_IN_FLIGHT, thread_name_prefix="upload")

    def send(self, part: bytearray) -> None:
        """Send the next part, which now belongs to the upload; waits while two are being sent.

        Raises:
            ObjectError: an earlier part could not be sent.
        """
        self._await_parts(PARTS_IN_FLIGHT - 1)
        self.part_count += 1
        self._sending.add(self._threads.submit(self._send_part, self.part_count, part))

    def complete(self, size_bytes: int) -> str:
        """Wait for all parts and make them one object.

        Args:
            size_bytes: of all parts together, to recognise the object.

        Returns:
            The object's ETag.

        Raises:
            ObjectError: a part could not be sent, or the parts not joined.
        """
        self._await_parts(0)
        self._threads.shutdown()
        self._sent.sort(key=lambda part: part["PartNumber"])
        try:
            with driver_errors("complete", self.bucket, self.key):
                return self._client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=self.key,
                    UploadId=self._upload_id,
                    MultipartUpload={"Parts": self._sent},
                )["ETag"]
        except UploadLost as exc:
            return self._confirm_completed(size_bytes, exc)

    def abort(self, *, briefly: bool = False) -> None:
        """Free the parts; waits for those being sent, because a part that arrives later would stay.

        Args:
            briefly: try once with a short timeout, because the service has just not answered.

        Raises:
            ObjectError: the service could not be reached, or refused.
        """
        self._threads.shutdown(cancel_futures=True)
        try:
            with driver_errors("abort the upload of", self.bucket, self.key):
                client = self._probe if briefly else self._client
                client.abort_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=self._upload_id
                )
        except UploadLost:
            return  # already gone

    def _send_part(self, number: int, part: bytearray) -> "CompletedPartTypeDef":
        with driver_errors(f"write part {number} of", self.bucket, self.key):
            reply = self._client.upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=part,  # type: ignore[arg-type]  # botocore's own check takes a bytearray
            )
        return {"PartNumber": number, "ETag": reply["ETag"]}

    def _await_parts(self, at_most: int) -> None:
        """Wait until at most this many parts are being sent."""
        while len(self._sending) > at_most:
            done, self._sending = wait(self._sending, return_when=FIRST_COMPLETED)
            self._sent.extend(future.result() for future in done)

    def _confirm_completed(self, size_bytes: int, lost: UploadLost) -> str:
        """Find out whether an earlier try, whose reply was lost, completed the upload.

        An ETag that names the same number of parts and an equal size are taken as proof.
        """
        try:
            with driver_errors("look at", self.bucket, self.key):
                head = self._client.head_object(Bucket=self.bucket, Key=self.key)
        except ObjectNotFound:
            raise lost from None
        if head["ContentLength"] == size_bytes and f'-{self.part_count}"' in head["ETag"]:
            return head["ETag"]
        raise UploadLost(f"{s3_address(self.bucket, self.key)} holds another object") from lost


def abort_uploads(client: "S3Client", bucket: str, prefix: str) -> int:
    """Abort all unfinished multipart uploads below a prefix, which killed writers left behind.

    An upload that is still being written fails with ``UploadLost``.

    Returns:
        How many were found.

    Raises:
        ObjectError: some could not be aborted. Safe to retry if transient.
    """
    found = 0
    with driver_errors("list the uploads of", bucket, prefix):
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", ()):
                found += 1
                _abort(client, bucket, upload["Key"], upload["UploadId"])
    return found


def _abort(client: "S3Client", bucket: str, key: str, upload_id: str) -> None:
    try:
        with driver_errors("abort the upload of", bucket, key):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except UploadLost:
        return  # it has ended since
