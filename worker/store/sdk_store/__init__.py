"""Records of the sets that SDKs read: each environment's switch, and how far the sets are."""

from worker.store.sdk_store.record_store import SdkStoreRecords
from worker.store.sdk_store.records import (
    DEFAULT_PREFIX,
    PREFIX_PATTERN,
    FollowedList,
    SdkStoreClaim,
    SdkStoreFigures,
    SdkStoreSettings,
    SdkStoreState,
)

__all__ = [
    "DEFAULT_PREFIX",
    "PREFIX_PATTERN",
    "FollowedList",
    "SdkStoreClaim",
    "SdkStoreFigures",
    "SdkStoreRecords",
    "SdkStoreSettings",
    "SdkStoreState",
]
