"""What the operations of the stand-in share: its catalogue, its pieces, its random names."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from api.s3.blobs import BlobFolder
from api.s3.catalogue import Catalogue, StoredObject
from api.s3.errors import S3Refusal

#: Age at which an unfinished upload is taken for abandoned, at the next start. Nobody goes on with
#: one for longer than a day.
_ABANDONED_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class StandIn:
    """The objects of one folder.

    ```
    catalogue.sqlite   buckets, objects, unfinished uploads, and which pieces they are made of
    pieces/            the bytes
    ```
    """

    catalogue: Catalogue
    blobs: BlobFolder
    random_name: Callable[[], str]

    @classmethod
    def open(
        cls, folder: Path, *, random_name: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> Self:
        """Open a folder, which nothing else may have open; makes what is missing."""
        pieces = folder / "pieces"
        pieces.mkdir(parents=True, exist_ok=True)
        catalogue = Catalogue(folder / "catalogue.sqlite")
        return cls(catalogue, BlobFolder(pieces, random_name), random_name)

    def find(self, bucket: str, key: str, unreadable: StoredObject | None) -> StoredObject:
        """Find an object that can be read.

        Args:
            bucket: its bucket.
            key: its key.
            unreadable: what was found before, whose pieces were gone: it was replaced meanwhile.

        Raises:
            S3Refusal: there is none, or it was not replaced, and its pieces are lost.
        """
        stored = self.catalogue.find(bucket, key)
        if stored == unreadable:
            raise S3Refusal(500, "InternalError", f"pieces of {bucket}/{key} are lost")
        return stored

    def tidy(self, *, now_s: float | None = None) -> list[str]:
        """Clean up what a kill or a power cut has left, before the first request.

        Abandoned uploads and pieces that nothing names are deleted; objects whose pieces did
        not reach the disk are forgotten.

        Returns:
            Bucket and key of each object forgotten.
        """
        now_s = time.time() if now_s is None else now_s
        self.catalogue.drop_uploads_before(now_s - _ABANDONED_S)
        lost = self.catalogue.drop_damaged(self.blobs.holds)
        self.blobs.sweep(self.catalogue.blob_names())
        return lost
