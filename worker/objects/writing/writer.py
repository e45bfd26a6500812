"""Writes one object of any size as a stream, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from worker.objects.driver_errors import driver_errors, is_answer, s3_address
from worker.objects.errors import ObjectError, ObjectStoreUnavailable, ObjectTooLarge
from worker.objects.info import ObjectInfo
from worker.objects.writing.multipart_upload import MultipartUpload
from worker.objects.writing.part_sizes import MAX_OBJECT_BYTES, part_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectWriter:
    """Sends what is written while the caller produces more.

    The object appears whole at ``close`` or not at all; until then an older object with this key
    stays as it is. Leaving the ``with`` block with an error aborts. An object that fits in one
    part is sent in one request at ``close``.

    Memory: three parts, one being filled and two being sent, so 24 MiB for any object up to
    50 GiB, and for larger ones with a good ``size_hint`` 1/2,100 of the object. ``write`` waits
    while both are still being sent. For one thread at a time; it starts two of its own at the
    second part.
    """

    def __init__(
        self,
        client: "S3Client",
        probe: "S3Client",
        *,
        bucket: str,
        key: str,
        size_hint: int | None,
        content_type: str,
    ) -> None:
        """Use ``ObjectStore.open_writer``; this sends nothing yet."""
        self.bucket = bucket
        self.key = key
        self._client = client
        self._probe = probe
        self._content_type = content_type
        self._size_hint = size_hint
        self._size_bytes = 0
        self._part = bytearray()
        self._part_limit = part_bytes(1, size_hint)
        self._upload: MultipartUpload | None = None
        self._info: ObjectInfo | None = None
        self._aborted = False

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._size_bytes

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take all of ``data``, which may be reused afterwards; may wait for parts being sent.

        Args:
            data: any contiguous buffer.

        Returns:
            Its length in bytes.

        Raises:
            ObjectError: an earlier part could not be sent. The upload is aborted. If the error is
                transient, it is safe to write the whole object again with a new writer.
            ObjectTooLarge: over 5 TiB; aborted too.
            ValueError: the writer was closed or aborted.
        """
        if self._aborted or self._info is not None:
            raise ValueError(f"write to {self._where} after its end")
        rest = memoryview(data).cast("B")
        self._size_bytes += len(rest)
        try:
            self._take(rest)
        except BaseException as exc:
            self._abort_after(exc)
            raise
        return len(rest)

    def close(self) -> ObjectInfo:
        """Send what is left and make the object appear. Idempotent.

        Returns:
            What is now stored.

        Raises:
            ObjectError: as for ``write``; nothing appears.
            ValueError: the writer was aborted.
        """
        if self._aborted:
            raise ValueError(f"close of {self._where} after its abort")
        if self._info is None:
            try:
                etag = self._put() if self._upload is None else self._complete(self._upload)
            except BaseException as exc:
                self._abort_after(exc)
                raise
            self._info = ObjectInfo(self.bucket, self.key, self._size_bytes, etag)
            self._upload = None
        return self._info

    def abort(self) -> None:
        """Give up: nothing appears, and the parts already sent are freed.

        Idempotent; does nothing after ``close``, whose object the caller deletes if unwanted.
        Waits for the parts being sent.

        Raises:
            ObjectError: the service could not be reached, or refused.
                ``ObjectStore.abort_uploads``, or the bucket's lifecycle rule for unfinished
                uploads, frees the parts later.
        """
        self._free(briefly=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if exc is not None:
            self._abort_after(exc)
        elif not self._aborted:
            self.close()

    @property
    def _where(self) -> str:
        return s3_address(self.bucket, self.key)

    def _take(self, rest: memoryview) -> None:
        if self._size_bytes > MAX_OBJECT_BYTES:
            raise ObjectTooLarge(f"{self._where} would be over 5 TiB; split the list")
        while rest:
            # Only when more comes, so that data that fits one part exactly is still one request.
            if len(self._part) == self._part_limit:
                self._send()
            room = self._part_limit - len(self._part)
            self._part += rest[:room]
            rest = rest[room:]

    def _send(self) -> None:
        if self._upload is None:
            self._upload = MultipartUpload(
                self._client,
                self._probe,
                bucket=self.bucket,
                key=self.key,
                content_type=self._content_type,
            )
        self._upload.send(self._part)
        self._part = bytearray()
        self._part_limit = part_bytes(self._upload.part_count + 1, self._size_hint)

    def _complete(self, upload: MultipartUpload) -> str:
        self._send()
        return upload.complete(self._size_bytes)

    def _put(self) -> str:
        with driver_errors("write", self.bucket, self.key):
            return self._client.put_object(
                Bucket=self.bucket,
                Key=self.key,
                Body=self._part,  # type: ignore[arg-type]  # botocore's own check takes a bytearray
                ContentType=self._content_type,
            )["ETag"]

    def _free(self, *, briefly: bool) -> None:
        if self._info is not None:
            return
        self._aborted = True
        self._part = bytearray()
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.abort(briefly=briefly)

    def _abort_after(self, exc: BaseException) -> None:
        """Abort because of an error that is being raised, without replacing it."""
        # A service that did not answer after all tries would keep the caller waiting as long again.
        silent = isinstance(exc, ObjectStoreUnavailable) and not is_answer(exc.__cause__)
        with cleaning_up(exc):
            self._free(briefly=silent)


@contextmanager
def cleaning_up(error: BaseException) -> Iterator[None]:
    """Run a clean-up; if it fails too, that becomes a note on the error and does not replace it."""
    try:
        yield
    except ObjectError as exc:
        error.add_note(f"and the upload was left behind: {exc}")
