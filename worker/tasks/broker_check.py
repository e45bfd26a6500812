"""Refusing a broker that cannot work, when the worker starts."""

import logging
from typing import Any

from celery import bootsteps

from worker.settings import WorkerSettings
from worker.store.broker import check_broker
from worker.store.errors import BrokerRefused, StoreUnavailable

logger = logging.getLogger("bigseg.tasks")


class BrokerCheck(bootsteps.StartStopStep):
    """Looks at the broker once; one that does not answer yet is waited for by Celery."""

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Check the broker.

        Raises:
            SystemExit: the broker is a cluster.
        """
        settings: WorkerSettings = parent.app.bigseg_contexts.settings
        try:
            check_broker(settings)
        except StoreUnavailable as exc:
            logger.warning("broker.not_ready", extra={"error": str(exc)})
        except BrokerRefused as exc:
            raise SystemExit(str(exc)) from exc
