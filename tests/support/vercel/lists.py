"""Lists attached to segments of Vercel's dialect, for tests."""

from collections.abc import Iterable
from typing import Any

import httpx

from tests.support.servers.vercel import SEGMENTS
from worker.store import Edit, ListRef, Store, attached_list_ref

LIST = "include/user/id"


def list_path(segment: str, name: str = LIST) -> str:
    """Give the path of a list."""
    return f"{SEGMENTS}/{segment}/lists/{name}"


def upload(
    client: httpx.Client, segment: str, name: str = LIST, content: bytes = b"u1\nu2\n", **form: Any
) -> httpx.Response:
    """Send a file to be imported into a list."""
    headers = form.pop("headers", {})
    files = {"file": ("list.csv", content, "text/csv")}
    path = f"{list_path(segment, name)}/imports"
    return client.put(path, files=files, data=form, headers=headers)


def ref_of(store: Store, segment: str, name: str = LIST) -> ListRef:
    """Give the list as the store has it."""
    found = store.project_segments.get(store.projects.get("default"), segment).segment
    return attached_list_ref("default", found.lists[name])


def attach(
    client: httpx.Client, store: Store, segment: str, name: str = LIST, members: Iterable[str] = ()
) -> ListRef:
    """Attach a list with these members to a segment, without a worker."""
    reply = upload(client, segment, name)
    assert reply.status_code == 202, reply.text
    ref = ref_of(store, segment, name)
    assert not store.builds.cancel(ref, reply.json()["id"])
    store.memberships.edit(ref, [Edit("i+", member) for member in members])
    return ref
