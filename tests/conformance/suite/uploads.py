"""Direct uploads: one step after the other, and no more than an environment may have."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.support.store.stores import raw
from worker.store import EnvironmentRef, Store, delete_environment
from worker.store.jobs import Upload
from worker.store.workflows import create_environment, finish_deletions

ENV = EnvironmentRef("default", "production")


def _upload(number: int, **fields: object) -> Upload:
    known = Upload(
        id=f"u{number}",
        state="open",
        owner="vip.g1",
        object_key=f"k{number}",
        filename="é.csv",
        part_bytes=5,
        max_bytes=100,
        created_ms=number,
        expires_ms=number + 10,
    )
    return replace(known, **fields)  # type: ignore[arg-type]


class UploadSuite:
    def test_add__then_each_step__is_what_is_read(self, store: Store) -> None:
        first, second = _upload(1), _upload(2, size_bytes=7)
        assert store.uploads.add(ENV, first, most=2)
        assert store.uploads.add(ENV, second, most=2)
        assert store.uploads.read_all(ENV) == [second, first]
        complete = replace(first, state="complete", etag="e")
        assert store.uploads.replace(ENV, first, complete)
        assert store.uploads.find(ENV, "u1") == complete
        assert store.uploads.replace(ENV, complete, None)
        assert store.uploads.find(ENV, "u1") is None
        assert store.uploads.read_all(EnvironmentRef("default", "test")) == []

    def test_replace__another_than_expected__writes_nothing(self, store: Store) -> None:
        upload = _upload(1)
        assert store.uploads.add(ENV, upload, most=1)
        other = replace(upload, state="taken", import_id="i")
        assert not store.uploads.replace(ENV, other, None)
        assert store.uploads.replace(ENV, upload, other)
        assert store.uploads.drop(ENV, upload) is None
        assert store.uploads.find(ENV, "u1") == other

    def test_add__many_at_once__never_leaves_more_than_the_most(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as threads:
            added = list(
                threads.map(lambda n: store.uploads.add(ENV, _upload(n), most=5), range(20))
            )
        left = store.uploads.read_all(ENV)
        assert len(left) == sum(added) <= 5

    def test_delete__environment_with_uploads__is_finished_when_they_are_gone(
        self, store: Store
    ) -> None:
        env, upload = EnvironmentRef("default", "gone"), _upload(1)
        create_environment(store, "default", store.environments.new("gone", "G"))
        assert store.uploads.add(env, upload, most=1)
        delete_environment(store, env)
        finish_deletions(store)
        assert env in store.environments.list_refs()
        assert store.uploads.replace(env, upload, None)
        finish_deletions(store)
        assert env not in store.environments.list_refs()
        assert not raw(store).exists(store.keyspace.uploads(env))
