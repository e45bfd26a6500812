"""Forgets erased keys once no file that is imported can have them any more."""

import logging

from worker.jobs.services import Services

logger = logging.getLogger("bigseg.upkeep")


def forget_erased_keys(services: Services) -> int:
    """Forget what was erased longer ago than the setting says; nothing if it says 0.

    Cost: one round trip for 1,000 erased keys of each environment.

    Returns:
        Keys that were forgotten.
    """
    kept_s, total = services.settings.erased_keys_s, 0
    if not kept_s:
        return 0
    before_ms = services.clock_ms() - kept_s * 1_000
    for env in services.store.environments.list_refs():
        forgotten = services.store.erased_keys.forget_older(env, before_ms)
        if forgotten:
            facts = {"environment": f"{env.project}:{env.environment}", "keys": forgotten}
            logger.info("erased_keys.forgotten", extra=facts)
        total += forgotten
    return total
