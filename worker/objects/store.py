"""The object store: bigseg's own bucket, and list files in others."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from worker.objects.client import open_clients, open_presigner
from worker.objects.deleting import delete_one, delete_prefix
from worker.objects.driver_errors import driver_errors
from worker.objects.info import ObjectInfo
from worker.objects.moving import copy_object, delete_object
from worker.objects.reading.concurrently import in_threads
from worker.objects.reading.heads import head_object
from worker.objects.reading.held_objects import HELD_BYTES, READERS, HeldObject
from worker.objects.reading.listing import ListedObject, list_pages
from worker.objects.reading.pages import list_page
from worker.objects.reading.random_access import ObjectFile
from worker.objects.reading.range_reader import RangeReader
from worker.objects.tags import read_tags, write_tags
from worker.objects.writing.direct_uploads import DirectUploads
from worker.objects.writing.multipart_upload import abort_uploads
from worker.objects.writing.writer import ObjectWriter
from worker.settings import ObjectSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectStore:
    """Whole objects, ranges of them, and streams into new ones.

    Synchronous, and safe to share between threads (the readers and writers it opens are not), but
    not over a fork: open one in each process. Nothing is cached. No botocore exception leaves it.

    Every call to S3 may raise ``ObjectStoreUnavailable`` and is safe to retry then.
    """

    def __init__(
        self,
        client: "S3Client",
        probe: "S3Client",
        settings: ObjectSettings,
        sleep: Callable[[float], None],
        held: HeldObject | None = None,
    ) -> None:
        """Use ``ObjectStore.open``."""
        self._client = client
        self._probe = probe
        self._settings = settings
        self._sleep = sleep
        self._held = held

    @classmethod
    def open(cls, settings: ObjectSettings, *, sleep: Callable[[float], None] = time.sleep) -> Self:
        """Make a store; opens no connection.

        Args:
            settings: where it is.
            sleep: how pauses between tries are spent, in seconds.
        """
        client, probe = open_clients(settings)
        return cls(client, probe, settings, sleep)

    @property
    def bucket(self) -> str:
        """The bucket of bigseg's own objects."""
        return self._settings.s3_bucket

    def close(self) -> None:
        """Close the pooled connections. Idempotent; those in use end with their reader."""
        self._client.close()
        self._probe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ping(self) -> None:
        """Check that the bucket can be reached, with one try and no more than 2 s for each step.

        Raises:
            BucketMissing: there is no such bucket.
            ObjectError: it cannot be reached.
        """
        with driver_errors("reach", self.bucket):
            self._probe.head_bucket(Bucket=self.bucket)

    def head(self, key: str, *, bucket: str | None = None, briefly: bool = False) -> ObjectInfo:
        """Read the size and ETag of one object, before it is read itself.

        Args:
            key: the object's key.
            bucket: another bucket than bigseg's own.
            briefly: with one try and no more than 2 s for each step.

        Raises:
            ObjectNotFound: there is no such object, or no such bucket (S3 does not say which).
            ObjectArchived: it cannot be read before it is restored.
            ObjectAccessDenied: these credentials may not read it, or may not use its KMS key.
            ObjectError: it cannot be read.
        """
        client = self._probe if briefly else self._client
        return head_object(client, bucket or self.bucket, key)

    def list_page(
        self, prefix: str, after: str = "", *, bucket: str | None = None
    ) -> tuple[list[ObjectInfo], str | None]:
        """List up to 1,000 objects below a prefix; see :func:`list_page`."""
        return list_page(self._client, bucket or self.bucket, prefix, after)

    def list_pages(
        self, bucket: str, prefix: str, *, briefly: bool = False
    ) -> Iterator[list[ListedObject]]:
        """List the objects of any bucket below a prefix; see :func:`list_pages`.

        Args:
            bucket: the bucket.
            prefix: what their keys begin with.
            briefly: as for ``head``.
        """
        return list_pages(self._probe if briefly else self._client, bucket, prefix)

    def read_small(
        self, key: str, *, bucket: str, limit: int, briefly: bool = False
    ) -> bytes | None:
        """Read a whole object of a few megabytes; ``None`` if it is larger than ``limit`` bytes.

        Raises:
            ObjectNotFound: there is no such object.
        """
        info = self.head(key, bucket=bucket, briefly=briefly)
        if info.size_bytes > limit:
            return None
        client = self._probe if briefly else self._client
        reader = RangeReader(client, info, 0, info.size_bytes, _unwatched, self._sleep)
        return b"".join(reader.pieces())

    def read_head(self, obj: ObjectInfo, size: int) -> bytes:
        """Read an object's first bytes, with one try and no more than 2 s for each step.

        Args:
            obj: from ``head``.
            size: how many; all of a shorter object.

        Raises:
            ObjectError: they cannot be read.
        """
        end = min(size, obj.size_bytes)
        return b"".join(
            RangeReader(self._probe, obj, 0, end, _unwatched, self._sleep).pieces_once()
        )

    def read_range(
        self,
        obj: ObjectInfo,
        start: int,
        end: int,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> Generator[bytes, None, None]:
        """Read ``[start, end)`` of the state of an object that ``head`` found.

        Yields all bytes, in order and once, or raises: the stream is never short. A cut or
        stalled stream is resumed where it stopped, unless four connections in a row gave nothing.
        No request is sent before the first piece is taken, and none for an empty range. Stopping
        early is allowed (``close`` the iterator) and drops the connection.

        Args:
            obj: from ``head``, or from ``close`` of a writer.
            start: offset of the first byte.
            end: offset after the last byte, at most ``obj.size_bytes``.
            on_progress: called with the number of bytes that have arrived, about every
                256 KiB; leases are renewed on it. Must be cheap.

        Returns:
            Pieces of about 1 MiB.

        Raises:
            ValueError: the range is not inside the object; raised at once.
            ObjectChanged: the object was replaced.
            ObjectNotFound: it is gone.
            ObjectStoreUnavailable: no progress. Safe to retry.
        """
        if not 0 <= start <= end <= obj.size_bytes:
            raise ValueError(f"[{start}, {end}) is not inside {obj}")
        progress = on_progress or _unwatched
        if self._held is not None and self._held.holds(obj, end):
            return self._held.read(start, end, progress)
        return RangeReader(self._client, obj, start, end, progress, self._sleep).pieces()

    def read_ahead(
        self, objs: Iterable[ObjectInfo], *, head_bytes: int = 0
    ) -> Generator["ObjectStore", None, None]:
        """Yield, for each object in turn, a store that reads it.

        Those up to 1 MiB are read by several threads, some ahead of their turn, and the store has
        them in memory. Close the iterator to stop early.

        Args:
            objs: The objects.
            head_bytes: Bytes of those that are larger which are read ahead.

        Raises:
            ObjectNotFound: an object is gone; raised in its turn, as are the others.
            ObjectChanged: it was replaced.
        """

        def fetch(obj: ObjectInfo) -> ObjectStore:
            size = obj.size_bytes if obj.size_bytes <= HELD_BYTES else head_bytes
            held = HeldObject(obj, b"".join(self.read_range(obj, 0, size)))
            return ObjectStore(self._client, self._probe, self._settings, self._sleep, held)

        return in_threads(fetch, objs, READERS)

    def open_random_access(
        self, obj: ObjectInfo, *, on_progress: Callable[[int], None] | None = None
    ) -> BinaryIO:
        """Open the state of an object that ``head`` found as a seekable file, for Parquet.

        Sends no request yet. See ``ObjectFile`` for what a read costs; ``on_progress`` is called
        as by ``read_range``.
        """

        def fetch(start: int, end: int) -> bytes:
            return b"".join(self.read_range(obj, start, end, on_progress=on_progress))

        # It has all of a BinaryIO that a reader calls; typeshed's io classes do not count as one.
        return cast("BinaryIO", ObjectFile(obj, fetch))

    def open_writer(
        self,
        key: str,
        *,
        bucket: str | None = None,
        size_hint: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> ObjectWriter:
        """Write an object as a stream; see ``ObjectWriter``.

        Args:
            key: its key.
            bucket: another bucket than bigseg's own.
            size_hint: bytes expected, if known; keeps parts of over 50 GiB equal and small.
            content_type: its media type.
        """
        return ObjectWriter(
            self._client,
            self._probe,
            bucket=bucket or self.bucket,
            key=key,
            size_hint=size_hint,
            content_type=content_type,
        )

    def put(self, bucket: str, key: str, content: bytes, content_type: str) -> None:
        """Write a small object, in any bucket.

        Raises:
            ObjectError: it could not be written. Safe to retry if transient.
        """
        with driver_errors("write", bucket, key):
            self._client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)

    def copy(self, source: ObjectInfo, key: str) -> None:
        """Copy a state of an object inside its bucket; see :func:`copy_object`."""
        copy_object(self._client, source, key)

    def delete_state(self, obj: ObjectInfo) -> None:
        """Delete an object of any bucket if it is in this state; see :func:`delete_object`."""
        delete_object(self._client, obj)

    def read_tags(self, obj: ObjectInfo) -> dict[str, str]:
        """Read the tags of an object of any bucket; see :func:`read_tags`."""
        return read_tags(self._client, obj.bucket, obj.key)

    def write_tags(self, obj: ObjectInfo, tags: Mapping[str, str]) -> None:
        """Add tags to an object of any bucket; see :func:`write_tags`."""
        write_tags(self._client, obj.bucket, obj.key, tags)

    @cached_property
    def _presigner(self) -> "S3Client":
        return open_presigner(self._settings)

    def download_url(
        self, obj: ObjectInfo, *, filename: str, content_type: str, expires_s: int
    ) -> str:
        """Sign a URL by which anybody may read an object for a while, by the name given.

        Sends no request. Costs about 0.3 ms, and 50 ms the first time.

        Raises:
            ObjectError: there are no credentials to sign with.
        """
        with driver_errors("sign a URL for", obj.bucket, obj.key):
            return self._presigner.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": obj.bucket,
                    "Key": obj.key,
                    "ResponseContentDisposition": f'attachment; filename="{filename}"',
                    "ResponseContentType": content_type,
                },
                ExpiresIn=expires_s,
            )

    @cached_property
    def direct_uploads(self) -> DirectUploads:
        """Uploads of bigseg's own objects whose parts clients send; sends no request.

        Costs about 50 ms the first time.
        """
        return DirectUploads(self._client, self._presigner, self.bucket)

    def discard_upload(self, key: str) -> None:
        """Free a direct upload, whether it was completed or not. Idempotent.

        Raises:
            ObjectError: it could not be freed.
        """
        self.abort_uploads(key)
        self.delete(key)

    def delete(self, key: str) -> None:
        """Delete one of bigseg's own objects; one that is missing is no error. Idempotent.

        Raises:
            ObjectError: it could not be deleted.
        """
        delete_one(self._client, self.bucket, key, self._sleep)

    def delete_prefix(
        self, prefix: str, *, but: str | None = None, bucket: str | None = None
    ) -> int:
        """Delete all objects below a prefix. Idempotent.

        One request deletes 1,000 objects, or one object where the service takes no such pages.

        Args:
            prefix: what their keys begin with.
            but: the key of one that stays.
            bucket: another bucket than bigseg's own.

        Returns:
            How many were deleted.

        Raises:
            ObjectError: some could not be deleted; the ones before them were. Safe to retry if
                transient.
            ValueError: the prefix is empty.
        """
        return delete_prefix(self._client, bucket or self.bucket, prefix, self._sleep, but=but)

    def abort_uploads(self, prefix: str, *, bucket: str | None = None) -> int:
        """Abort the unfinished uploads below a prefix, which killed writers left behind.

        A writer that is still active there fails with ``UploadLost``.

        Args:
            prefix: what their keys begin with.
            bucket: another bucket than bigseg's own.

        Returns:
            How many were found.

        Raises:
            ObjectError: some could not be aborted. Safe to retry if transient.
        """
        return abort_uploads(self._client, bucket or self.bucket, prefix)


def _unwatched(_: int) -> None:
    """Ignore progress."""
