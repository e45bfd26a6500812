"""Issues the SDK key that an environment of LaunchDarkly's dialect has as its own."""

from contextlib import suppress
from dataclasses import replace

from worker.store.errors import EnvironmentNotFound, SdkKeyNotFound
from worker.store.keyspace import EnvironmentRef
from worker.store.optimistic import retry_on_change
from worker.store.projects.records import Environment
from worker.store.store import Store


def issue_sdk_key(
    store: Store, env: EnvironmentRef, *, keep_until_ms: int | None, created_by: str
) -> tuple[Environment, str]:
    """Give an environment another SDK key of its own, and have it show what that begins with.

    Cost: eight round trips, and two for each 500 tokens and keys.

    Args:
        store: The store.
        env: The environment.
        keep_until_ms: Until when the key of before is valid, Unix ms; ``None`` revokes it.
        created_by: Id of the access token.

    Returns:
        The environment, and the key, which nothing else ever gives.

    Raises:
        EnvironmentNotFound: Or ProjectNotFound.
        TooManyTokens: The project or the store has its maximum of SDK keys; nothing was changed.
        StoreUnavailable: No answer. Safe to retry; a key may be left that nobody knows.
    """
    project = store.projects.get(env.project)
    store.environments.require(env)
    key, secret = store.sdk_keys.reset(
        project, env.environment, keep_until_ms=keep_until_ms, created_by=created_by
    )

    def show() -> Environment:
        current = store.environments.get(env)
        changed = replace(current, sdk_key=key.masked)
        store.environments.update(env.project, current, changed)
        return changed

    try:
        return retry_on_change(f"environment {env.environment}", show), secret
    except EnvironmentNotFound:
        # Deleted meanwhile, maybe after its keys were revoked.
        with suppress(SdkKeyNotFound):
            store.sdk_keys.revoke(project, key.id)
        raise
