"""Where the files of an export are: in bigseg's own prefix, or at a destination."""

import logging
from dataclasses import dataclass
from typing import Self

from worker.objects import ObjectAccessDenied, ObjectStore, export_key, export_prefix
from worker.store.jobs import ExportRequest

logger = logging.getLogger("bigseg.jobs")


@dataclass(frozen=True, slots=True)
class ExportPlace:
    """The bucket, and what the keys of all objects of one export begin with, and no others."""

    bucket: str
    prefix: str
    is_own: bool
    """Whether it is inside bigseg's own prefix."""

    @classmethod
    def of(cls, bucket: str, request: ExportRequest) -> Self:
        """The place of an export.

        Args:
            bucket: That of bigseg's own objects.
            request: The export.
        """
        ref, destination = request.list_ref, request.options.destination
        if destination is None:
            owner = (ref.project, ref.environment, ref.segment)
            return cls(bucket, export_prefix(owner, request.export_id), is_own=True)
        bucket, _, folder = destination.removeprefix("s3://").partition("/")
        folder = f"{folder.strip('/')}/" if folder.strip("/") else ""
        # No other export has its id, so that no file of another one is replaced or deleted.
        return cls(bucket, f"{folder}{ref.segment}-{request.export_id}", is_own=False)

    def key(self, request: ExportRequest, token: str, end: str) -> str:
        """Name one object.

        In bigseg's own prefix each try has its own names, so that a late one cannot replace the
        file that is reported. At a destination names are for people, and a try confirms its lease
        before it lets a file appear there.

        Args:
            request: The export.
            token: The try.
            end: What tells it from the others of the export, such as ``-00001.csv``.
        """
        if not self.is_own:
            return self.prefix + end
        ref = request.list_ref
        owner = (ref.project, ref.environment, ref.segment)
        return export_key(owner, request.export_id, token + end)

    def clear(self, objects: ObjectStore, *, keep_files: bool = False) -> bool:
        """Free what unfinished tries have sent, and delete the files. Idempotent.

        The credentials may be allowed to write to a destination and not to delete there: then
        everything stays, and a warning says so.

        Args:
            objects: Where they are.
            keep_files: Whether the files stay.

        Returns:
            Whether it could be done; always in bigseg's own prefix.

        Raises:
            ObjectError: some could not be deleted. Safe to retry if transient.
        """
        try:
            objects.abort_uploads(self.prefix, bucket=self.bucket)
            if not keep_files:
                objects.delete_prefix(self.prefix, bucket=self.bucket)
        except ObjectAccessDenied as exc:
            if self.is_own:
                raise
            logger.warning("export.undeleted", extra={"reason": str(exc)})
            return False
        return True
