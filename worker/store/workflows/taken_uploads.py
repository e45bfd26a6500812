"""Whose an upload is that an import has taken, or a request that meant to start one."""

from typing import Final, Literal

from worker.store.errors import JobNotFound, UnreadableRecord
from worker.store.jobs.records import JobRef
from worker.store.jobs.uploads import Upload
from worker.store.keyspace import EnvironmentRef
from worker.store.store import Store

UploadOwner = Literal["nobody", "request", "import"]

#: A request that has taken an upload has admitted its import after this long, or never will.
_ADMITTED_MS: Final = 60_000


def owner_of_upload(store: Store, env: EnvironmentRef, upload: Upload, now_ms: int) -> UploadOwner:
    """Whose an upload is now: whoever takes or drops it may do so only if it is nobody's.

    Cost: one round trip if it was taken.

    Returns:
        ``request`` while its import may still be admitted, ``import`` from then on, also once that
        has ended; ``nobody`` if it was not taken, or the request has died.
    """
    if upload.state != "taken":
        return "nobody"
    try:
        store.jobs.request(JobRef("import", env, upload.import_id))
    except JobNotFound:
        return "request" if now_ms - upload.taken_ms <= _ADMITTED_MS else "nobody"
    except UnreadableRecord:
        pass
    return "import"
