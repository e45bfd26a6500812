"""The log of changes for Relay Proxies, and what of it and of the lists each is sent next."""

from worker.store.sdk_log.pages import RelayPages
from worker.store.sdk_log.records import DIGEST_BYTES, Page, Patch, SideHashes, Version
from worker.store.sdk_log.sdk_log import MOST_CHANGES, PAUSE_MS, Changes, SdkLog
from worker.store.sdk_log.walking import Walker

__all__ = [
    "DIGEST_BYTES",
    "MOST_CHANGES",
    "PAUSE_MS",
    "Changes",
    "Page",
    "Patch",
    "RelayPages",
    "SdkLog",
    "SideHashes",
    "Version",
    "Walker",
]
