"""Erasures of context keys: which are under way, their receipts, and hashes of what was erased."""

from worker.store.erasures.erased_keys import MOST_ERASED, ErasedKeys, ErasedKeyStore
from worker.store.erasures.erasure_store import MOST_ERASURES, ErasureStore, completed
from worker.store.erasures.records import Before, Erasure, ErasureState, Touched

__all__ = [
    "MOST_ERASED",
    "MOST_ERASURES",
    "Before",
    "ErasedKeyStore",
    "ErasedKeys",
    "Erasure",
    "ErasureState",
    "ErasureStore",
    "Touched",
    "completed",
]
