"""Reads a range of an object as a stream that survives cuts and stalls."""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors, s3_address
from worker.objects.errors import ObjectChanged, ObjectStoreRefused, ObjectStoreUnavailable
from worker.objects.info import ObjectInfo

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

#: Bytes of one piece handed out: large against the cost of a Python step, small in memory.
PIECE_BYTES = 1024 * 1024
#: Bytes of one read from the socket. A cut loses, and fetches again, fewer than these; quarters of
#: it cost 1.6 times the CPU.
_READ_BYTES = 256 * 1024
#: Connections in a row that gave nothing, after which the read gives up.
_TRIES_WITHOUT_PROGRESS = 4
#: Seconds before the second such try; doubled for each further one.
_FIRST_PAUSE_S = 0.1
_PARTIAL_CONTENT = 206


@dataclass(slots=True)
class RangeReader:
    """One pass over ``[position, end)`` of one state of an object."""

    client: "S3Client"
    obj: ObjectInfo
    position: int
    end: int
    on_progress: Callable[[int], None]
    sleep: Callable[[float], None]

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the bytes in order, exactly ``end - position`` of them, or raise.

        Closing the iterator early drops the connection.
        """
        fruitless = 0
        while self.position < self.end:
            before = self.position
            try:
                yield from self._read_once()
            except ObjectStoreUnavailable as exc:
                fruitless = 0 if self.position > before else fruitless + 1
                if fruitless >= _TRIES_WITHOUT_PROGRESS:
                    raise self._no_progress_error(exc) from exc
                if fruitless:
                    # Half to all of it, so that workers cut together do not come back together.
                    jitter = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, keeps no secret
                    self.sleep(_FIRST_PAUSE_S * 2 ** (fruitless - 1) * jitter)

    def pieces_once(self) -> Generator[bytes, None, None]:
        """Yield the bytes as :meth:`pieces` does, with one try alone."""
        if self.position < self.end:
            yield from self._read_once()

    def _read_once(self) -> Generator[bytes, None, None]:
        with driver_errors("read", self.obj.bucket, self.obj.key):
            reply = self.client.get_object(
                Bucket=self.obj.bucket,
                Key=self.obj.key,
                Range=f"bytes={self.position}-{self.end - 1}",
                IfMatch=self.obj.etag,
            )
        body = reply["Body"]
        try:
            self._check(reply)
            yield from self._receive(body)
        finally:
            # After a complete read the connection is back in the pool; otherwise this drops it.
            body.close()

    def _receive(self, body: "StreamingBody") -> Generator[bytes, None, None]:
        """Yield what arrives, including what came before a cut."""
        reads: list[bytes] = []
        gathered, wanted = 0, self.end - self.position
        while wanted:
            try:
                data = self._read(body, min(_READ_BYTES, wanted))
            except ObjectStoreUnavailable:
                if gathered:
                    self.position += gathered
                    yield b"".join(reads)
                raise
            reads.append(data)
            gathered += len(data)
            wanted -= len(data)
            self.on_progress(len(data))
            if gathered >= PIECE_BYTES or not wanted:
                self.position += gathered
                gathered = 0
                yield b"".join(reads)
                reads.clear()

    def _read(self, body: "StreamingBody", size: int) -> bytes:
        with driver_errors("read", self.obj.bucket, self.obj.key):
            data = body.read(size)
            if not data:
                raise ConnectionResetError("the stream ended before the range did")
            return data

    def _check(self, reply: "GetObjectOutputTypeDef") -> None:
        """Trust neither a service that ignores ``If-Match`` nor one that ignores ``Range``."""
        where = s3_address(self.obj.bucket, self.obj.key)
        if reply["ETag"] != self.obj.etag:
            raise ObjectChanged(
                f"{where} is now {reply['ETag']}, was {self.obj.etag}: the list changed while it "
                "was read; import it again"
            )
        if reply["ResponseMetadata"]["HTTPStatusCode"] != _PARTIAL_CONTENT:
            given, wanted = (0, reply["ContentLength"]), (self.position, self.end)
            if given != wanted:
                raise ObjectStoreRefused(f"{where}: the service ignored the range {wanted}")
            return
        expected = f"bytes {self.position}-{self.end - 1}/{self.obj.size_bytes}"
        if reply["ContentRange"] != expected:
            raise ObjectChanged(
                f"{where}: got {reply['ContentRange']!r} for {expected!r}: the list changed while "
                "it was read; import it again"
            )

    def _no_progress_error(self, last: ObjectStoreUnavailable) -> ObjectStoreUnavailable:
        where = s3_address(self.obj.bucket, self.obj.key)
        return ObjectStoreUnavailable(
            f"no byte of {where} after offset {self.position} in {_TRIES_WITHOUT_PROGRESS} tries, "
            f"the last one: {last}"
        )
