"""The flags of environments, for SDKs that evaluate them against bigseg alone."""

from worker.store.flag_data.flag_data_store import FlagDataStore
from worker.store.flag_data.records import FlagDataRecord, StoredFlag

__all__ = ["FlagDataRecord", "FlagDataStore", "StoredFlag"]
