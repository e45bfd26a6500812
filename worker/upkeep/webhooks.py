"""Upkeep of webhooks: workers look where there are some, and nowhere else."""

from worker.jobs.services import Services


def watch_webhooks(services: Services) -> int:
    """Mend the list of environments that have webhooks. Safe to repeat.

    Cost: one round trip for each 500 environments, and one for each that has webhooks.

    Returns:
        Environments that have webhooks.
    """
    store = services.store
    return store.deliveries.mend_watched(store.environments.list_refs())
