"""Records the switch of the sets for SDKs; no worker is there, so their state is put on record."""

from typing import Final

from tests.support.documents import names
from tests.support.documents.recording import Recorder
from worker.store import EnvironmentRef, SdkStoreState, Store

_HERE: Final = {"projectKey": names.PROJECT, "environmentKey": names.ENVIRONMENT}
_ENV: Final = EnvironmentRef(names.PROJECT, names.ENVIRONMENT)
_TEST: Final = {**_HERE, "environmentKey": "test"}


def record_sdk_store(recorder: Recorder, store: Store) -> None:
    """Leaves it switched off."""
    ask, patch = recorder.ask, "patchSdkStore"
    ask("getSdkStore", "off", path=_HERE)
    ask(patch, "on", path=_HERE, body={"on": True})
    now_ms = store.database.now_ms()
    state = SdkStoreState(
        now_ms, caught_up_ms=now_ms, synchronized_ms=now_ms, lists=3, held=3, contexts_written=1_200
    )
    assert store.sdk_store.renew(_ENV, "a worker", 60_000) is not None
    store.sdk_store.put(_ENV, "a worker", writes=5, state=state)
    ask("getSdkStore", "current", path=_HERE)
    ask(patch, path=_TEST, body={"on": True}, status=409)
    ask(patch, path=_HERE, body={"prefix": "not a prefix"}, status=400)
    ask(patch, "off", path=_HERE, body={"on": False})
    store.sdk_store.forget(_ENV, "a worker", store.sdk_store.settings(_ENV))
