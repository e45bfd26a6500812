"""Starting the erasure of a context key from an environment; upkeep does the rest."""

from worker.store.erasures import Erasure
from worker.store.keyspace import EnvironmentRef
from worker.store.store import Store


def start_erasure(
    store: Store, env: EnvironmentRef, kind: str, key: str, erasure_id: str, initiator: str
) -> Erasure:
    """Record an erasure, unless one of the same key is under way: then that one.

    From then on no import brings the key back, and upkeep removes it from everything, whatever
    process dies meanwhile. Cost: about eight round trips.

    Args:
        store: The store.
        env: The environment.
        kind: The context kind of the key.
        key: A context key.
        erasure_id: Of a new erasure.
        initiator: Who wants it.

    Raises:
        TooManyErasures: the environment takes no more.
        ErasuresUnderWay: it takes more once some are complete. Safe to retry later.
        EnvironmentNotFound: or ProjectNotFound.
        StoreUnavailable: no answer. Safe to retry.
    """
    store.environments.require(env)
    now_ms = store.database.now_ms()
    digest = store.erased_keys.digest(env, kind, key)
    store.erased_keys.require_room(env, kind, digest)
    new = Erasure(erasure_id, kind, digest, now_ms, initiator, key=key)
    # Before the hash: one that is refused must not keep the key out of imports.
    erasure = store.erasures.add(env, new)
    store.erased_keys.add(env, kind, digest, now_ms)
    return erasure
