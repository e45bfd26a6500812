"""Sends work messages the way the API does: by the task's name, with the job's id."""

from celery import Celery

from tests.support.systems.system import System
from worker.settings import StoreSettings
from worker.store import JobRef
from worker.store.jobs.messages import QUEUE_WORK, TASK_WORK, broker_options


def send_work(system: System, ref: JobRef, *, times: int = 1) -> None:
    """Send a job's message so many times."""
    settings = StoreSettings.model_validate(
        {"redis_url": system.server.url, "broker_url": system.broker.url}
    )
    with Celery("tests", set_as_current=False, fixups=[]) as app:
        app.conf.update(broker_options(settings))
        for _ in range(times):
            app.send_task(TASK_WORK, [str(ref)], queue=QUEUE_WORK, retry=False)


def waiting_messages(system: System) -> int:
    """How many work messages nobody has taken."""
    with system.broker.client() as client:
        return int(client.llen(f"bigseg:broker:{QUEUE_WORK}"))
