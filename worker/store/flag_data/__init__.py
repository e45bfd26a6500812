"""The flags of each environment that SDKs evaluate with, as documents."""

from worker.store.flag_data.flag_data_store import FlagDataStore
from worker.store.flag_data.lines import StoredFlag, decode_flags, encode_flags
from worker.store.flag_data.naming import flags_naming
from worker.store.flag_data.records import FlagData

__all__ = [
    "FlagData",
    "FlagDataStore",
    "StoredFlag",
    "decode_flags",
    "encode_flags",
    "flags_naming",
]
