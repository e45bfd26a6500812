"""Starting imports over the wire, and what the store and the bucket have of them."""

from typing import Any, Final

import httpx

from tests.support.servers.api import PRODUCTION, SEGMENTS
from tests.support.servers.objects import list_objects
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import ImportRequest, JobRef, Store

LIST: Final = b"a\nb\nc\n"


def post_list(client: httpx.Client, segment: str, **form: Any) -> httpx.Response:
    """Upload the list, unless the form has files of its own."""
    form.setdefault("files", {"file": ("list.csv", LIST, "text/csv")})
    return client.post(f"{SEGMENTS}/{segment}/imports", **form)


def stored_request(store: Store, import_id: str) -> ImportRequest:
    """What is on record of an import that was asked for."""
    request = store.jobs.get(JobRef("import", PRODUCTION, import_id)).request
    assert isinstance(request, ImportRequest)
    return request


def uploaded_keys(objects: ObjectStore, segment: str) -> list[str]:
    """The uploads for a segment that are in the bucket."""
    prefix = f"{INTERNAL_PREFIX}uploads/default/production/{segment}/"
    return [info.key for info in list_objects(objects, prefix)]
