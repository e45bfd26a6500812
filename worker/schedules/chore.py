"""Upkeep's turn at the schedules of all environments."""

import logging

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.schedules.settling import delete_outdated, settle
from worker.schedules.starting import announce_new, start_due
from worker.store.schedules import StoredSchedule

logger = logging.getLogger("bigseg.schedules")


def run_schedules(services: Services) -> int:
    """Start the exports that are due, note how others ended, and delete what is no longer kept.

    Safe to run concurrently and to kill: each due time has one export. An error about one schedule
    is logged and does not delay the others.

    Cost: one round trip an environment, one more if it has schedules, and a few for each that is
    due or has an export running.

    Returns:
        Exports that were started.
    """
    started, store = 0, services.store
    for env in store.environments.list_refs():
        schedules = store.export_schedules.read_all(env)
        if not schedules:
            continue
        living = {segment.ref for segment in store.segments.read_remaining(env)}
        for stored in schedules:
            try:
                if stored.value.list_ref in living:
                    started += _tend(services, stored)
                else:
                    store.export_schedules.forget(stored.value.list_ref)
            except (TransientError, TerminalError) as exc:
                facts = {"schedule": stored.value.field, "reason": str(exc)}
                logger.warning("schedule.postponed", extra=facts)
    return started


def _tend(services: Services, stored: StoredSchedule) -> int:
    settled = settle(services, announce_new(services, stored))
    started = start_due(services, settled)
    delete_outdated(services, settled)
    return int(started)
