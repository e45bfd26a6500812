"""Refusing servers that cannot work, when the worker or beat starts."""

import logging
from typing import Any

from celery import bootsteps

from worker.settings import WorkerSettings
from worker.store import open_store
from worker.store.errors import BrokerRefused, RightsMissing, StoreUnavailable
from worker.store.server import (
    BROKER_OF_WORKER,
    STORE_OF_WORKER,
    Rights,
    broker_fallbacks,
    check_broker,
)

logger = logging.getLogger("bigseg.tasks")


class BrokerCheck(bootsteps.StartStopStep):
    """Checks broker and store once; a server that does not answer yet is only logged."""

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Check both, and log what works more slowly for lack of rights.

        Raises:
            SystemExit: the broker is a cluster, or a user lacks rights.
        """
        settings: WorkerSettings = parent.app.bigseg_services.settings
        check_broker_or_exit(settings, BROKER_OF_WORKER)
        _check_store_or_exit(settings)


def check_broker_or_exit(settings: WorkerSettings, rights: Rights) -> None:
    """Check the broker, and log what works more slowly for lack of rights.

    Raises:
        SystemExit: the broker is a cluster, or its user lacks rights.
    """
    try:
        check_broker(settings, rights)
        for command, instead in broker_fallbacks(settings, rights).items():
            logger.warning("broker.degraded", extra={"forbidden": command, "instead": instead})
    except StoreUnavailable as exc:
        logger.warning("broker.unavailable", extra={"reason": str(exc)})
    except BrokerRefused as exc:
        raise SystemExit(str(exc)) from exc


def _check_store_or_exit(settings: WorkerSettings) -> None:
    try:
        with open_store(settings) as store:
            for command, instead in store.fallbacks(STORE_OF_WORKER).items():
                logger.warning("store.degraded", extra={"forbidden": command, "instead": instead})
    except StoreUnavailable as exc:
        logger.warning("store.unavailable", extra={"reason": str(exc)})
    except RightsMissing as exc:
        raise SystemExit(str(exc)) from exc
