"""Direct uploads as clients leave them."""

import httpx

from tests.support.store.stores import PRODUCTION
from tests.support.systems.imports import Imports
from worker.objects import upload_key
from worker.store import EnvironmentRef
from worker.store.jobs import Upload, UploadState


def put_upload(
    running: Imports,
    state: UploadState,
    *,
    env: EnvironmentRef = PRODUCTION,
    content: bytes = b"a\nb\n",
    due: bool = True,
) -> Upload:
    """An upload whose one part has arrived."""
    services = running.services
    upload_id, direct = services.random_name(), services.objects.direct_uploads
    key = upload_key((env.project, env.environment, "s"), upload_id)
    s3_id = direct.begin(key)
    url = direct.part_url(key, s3_id, 1, size_bytes=len(content), expires_s=60)
    assert httpx.put(url, content=content).is_success
    if state != "open":
        direct.complete(key, s3_id, direct.parts(key, s3_id))
    now_ms = services.clock_ms()
    upload = Upload(
        id=upload_id,
        state=state,
        owner="s.g1",
        object_key=key,
        filename="f",
        part_bytes=100,
        max_bytes=100,
        created_ms=now_ms,
        expires_ms=now_ms + (0 if due else 60_000),
        s3_id=s3_id,
    )
    assert services.store.uploads.add(env, upload, most=100)
    return upload
