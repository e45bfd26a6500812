"""The list that uploads are for: where they are recorded, and who may name them."""

from dataclasses import dataclass

from api.errors import NotFound
from api.jobs.records import JOB_ID
from worker.store import EnvironmentRef, Store, Upload


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """One list, as its dialect names it; it need not exist yet."""

    env: EnvironmentRef
    folder: str
    """The name under which the bucket has its uploads."""
    owner: str
    """Identifies the list, and no other one that had its name before."""
    href: str
    """The path of its uploads."""

    def is_own(self, upload: Upload) -> bool:
        """Whether an upload is for this list, and can still be named."""
        return upload.owner == self.owner and upload.state != "dropped" and bool(upload.s3_id)

    def find(self, store: Store, upload_id: str) -> Upload:
        """Find an upload for this list. Cost: one round trip.

        Raises:
            NotFound: there is none with this id.
        """
        upload = None
        if JOB_ID.fullmatch(upload_id) is not None:
            upload = store.uploads.find(self.env, upload_id)
        if upload is None or not self.is_own(upload):
            raise NotFound(f"upload {upload_id[:80]} does not exist; it may have been deleted")
        return upload
