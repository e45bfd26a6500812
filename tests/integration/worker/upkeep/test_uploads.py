"""Direct uploads that nobody wants are deleted; what an import has taken is the import's."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.integration.worker.upkeep.conftest import put_upload
from tests.support.servers.objects import ObjectServer, list_objects
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process
from worker.objects import ObjectNotFound, UploadLost
from worker.store import EnvironmentRef, delete_environment
from worker.store.jobs import Upload, UploadState
from worker.store.workflows import create_environment, finish_deletions
from worker.upkeep.uploads import expire_uploads

ENV = EnvironmentRef("default", "production")
_CONTENT = b"a\nb\n"


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, redis_url=valkey_server.url) as imports:
        yield imports


def _is_gone(running: Imports, upload: Upload) -> bool:
    """Whether neither the object nor a part of it is left."""
    objects = running.services.objects
    try:
        objects.direct_uploads.parts(upload.object_key, upload.s3_id)
    except UploadLost:
        return not list_objects(objects, upload.object_key)
    return False


@pytest.mark.parametrize("state", ["open", "complete", "dropped", "taken"])
def test_upload__abandoned__is_deleted_with_its_parts(running: Imports, state: UploadState) -> None:
    due, kept = put_upload(running, state), put_upload(running, state, due=False)

    assert expire_uploads(running.services) == 1

    assert _is_gone(running, due)
    assert running.services.store.uploads.read_all(ENV) == [kept]
    assert running.services.store.uploads.replace(ENV, kept, None)


def test_upload__of_an_import_that_runs__is_forgotten_and_its_object_stays(
    running: Imports,
) -> None:
    services = running.services
    request = running.start(running.list_of(), _CONTENT)
    assert request.list_ref.env == ENV
    upload = put_upload(running, "complete")
    taken = replace(upload, state="taken", import_id=request.import_id)
    assert services.store.uploads.replace(ENV, upload, taken)

    assert expire_uploads(services) == 1

    assert services.store.uploads.read_all(ENV) == []
    assert services.objects.head(upload.object_key).size_bytes == len(_CONTENT)
    running.finish(request)
    services.objects.delete(upload.object_key)


def test_upload__changed_meanwhile__stays(
    running: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, upload = running.services.store.uploads, put_upload(running, "complete")
    monkeypatch.setattr(type(uploads), "drop", lambda *_: None)

    assert expire_uploads(running.services) == 0

    assert running.services.objects.head(upload.object_key).size_bytes == len(_CONTENT)
    monkeypatch.undo()
    assert expire_uploads(running.services) == 1
    with pytest.raises(ObjectNotFound):
        running.services.objects.head(upload.object_key)


def test_uploads__of_a_deleted_environment__are_deleted_before_it_is_forgotten(
    running: Imports,
) -> None:
    store, env = running.services.store, EnvironmentRef("default", "leaving")
    create_environment(store, "default", store.environments.new("leaving", "L"))
    upload = put_upload(running, "open", env=env, due=False)
    delete_environment(store, env)
    finish_deletions(store)

    assert expire_uploads(running.services) == 1

    assert _is_gone(running, upload)
    finish_deletions(store)
    assert env not in store.environments.list_refs()
