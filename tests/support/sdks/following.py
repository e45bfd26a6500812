"""Keeps the sets for SDKs and the log for relays, as a worker does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.sdk_store import Follower, StoredLists
from worker.store import StoreSettings, open_store


@contextmanager
def following(settings: StoreSettings) -> Iterator[None]:
    """Follow the lists of a store in a thread."""
    stopped = threading.Event()

    def follow() -> None:
        with open_store(settings) as store:
            follower = Follower(store, settings, StoredLists(store), store.sdk_log)
            while not stopped.wait(0 if follower.step() else 0.05):
                pass
            follower.close()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
