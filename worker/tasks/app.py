"""The Celery application: three tasks, each named by an id and nothing else."""

import logging
import os
from typing import Any

from celery import Celery, signals
from celery.apps import worker as celery_worker
from celery.utils.log import get_multiprocessing_logger

from worker.errors import TransientError
from worker.logs import configure_logs, write_line
from worker.objects import load_descriptions
from worker.settings import WorkerSettings
from worker.store import ListRef
from worker.store.jobs import (
    QUEUE_UPKEEP,
    QUEUE_WORK,
    TASK_RESHARD,
    TASK_TEND,
    TASK_TIME_LIMIT_S,
    TASK_WORK,
    JobRef,
    broker_options,
)
from worker.store.server import BROKER_OF_BEAT
from worker.tasks.broker_check import BrokerCheck, check_broker_or_exit
from worker.tasks.chores import tend
from worker.tasks.expiry_clock import ExpiryClock
from worker.tasks.poll_watch import PollWatch
from worker.tasks.process_services import ProcessServices
from worker.tasks.sdk_store_clock import SdkStoreClock
from worker.tasks.sweeper import Sweeper
from worker.tasks.webhook_clock import WebhookClock
from worker.tasks.work import replaced_when_out_of_memory, serve_job
from worker.upkeep.reshard import reshard_list

logger = logging.getLogger("bigseg.tasks")


def create_app(settings: WorkerSettings) -> Celery:
    """Build the Celery application. Opens no connection."""
    signals.setup_logging.connect(_set_up_logs, weak=False, dispatch_uid="bigseg")

    def prepare_pool(**_: Any) -> None:  # noqa: ANN401 - Celery's signal protocol
        load_descriptions()  # once, for the processes that are forked

    def prepare_process(**_: Any) -> None:  # noqa: ANN401 - Celery's signal protocol
        os.nice(settings.niceness)

    def end_process(**_: Any) -> None:  # noqa: ANN401 - Celery's signal protocol
        services.hand_over_counts()

    def check_servers(**_: Any) -> None:  # noqa: ANN401 - Celery's signal protocol
        check_broker_or_exit(settings, BROKER_OF_BEAT)

    signals.worker_init.connect(prepare_pool, weak=False, dispatch_uid="bigseg")
    signals.worker_process_init.connect(prepare_process, weak=False, dispatch_uid="bigseg")
    signals.worker_process_shutdown.connect(end_process, weak=False, dispatch_uid="bigseg")
    signals.beat_init.connect(check_servers, weak=False, dispatch_uid="bigseg")
    app = Celery("bigseg")
    services = ProcessServices(settings, app)
    app.conf.update(broker_options(settings))
    app.conf.update(_worker_options(settings))
    app.bigseg_services = services
    app.steps["worker"].add(BrokerCheck)
    app.steps["worker"].add(Sweeper)
    app.steps["worker"].add(ExpiryClock)
    app.steps["worker"].add(WebhookClock)
    app.steps["worker"].add(SdkStoreClock)
    app.steps["worker"].add(PollWatch)
    _register(app, services)
    return app


def _set_up_logs(**_: Any) -> None:  # noqa: ANN401 - Celery's signal protocol
    configure_logs()
    # From a signal handler Celery writes text past all logging.
    celery_worker.safe_say = write_line
    # It keeps its lines, such as that of a process that was killed, from the root logger, and
    # then they are text.
    pool_logger = get_multiprocessing_logger()
    pool_logger.propagate = True
    pool_logger.setLevel(logging.WARNING)


def _worker_options(settings: WorkerSettings) -> dict[str, Any]:
    return {
        "task_acks_late": True,
        # A killed child acknowledges its message; the sweep counts tries and comes back.
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "task_time_limit": TASK_TIME_LIMIT_S,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "broker_connection_max_retries": None,
        # A refusal of the broker is no reason to end: it may take the next command.
        "broker_channel_error_retry": True,
        "broker_transport": "worker.broker.transport:PolledTransport",
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_create_missing_queues": True,
        "beat_schedule": {
            "tend": {
                "task": TASK_TEND,
                "schedule": settings.sweep_s,
                "options": {"queue": QUEUE_UPKEEP, "expires": 60},
            }
        },
    }


def _register(app: Celery, services: ProcessServices) -> None:
    options = {"ignore_result": True, "acks_late": True}

    @app.task(name=TASK_WORK, queue=QUEUE_WORK, **options)
    def work(job_ref: str) -> None:
        """Do one unit of a job and send itself again when more may be left.

        Redelivery is harmless: units are done under leases.
        """
        with replaced_when_out_of_memory(TASK_WORK):
            serve_job(services.get(), JobRef.parse(job_ref))

    @app.task(name=TASK_RESHARD, queue=QUEUE_WORK, **options)
    def reshard(list_ref: str) -> None:
        """Start a rebuild of a list that has outgrown its shards; twice is once."""
        project, environment, segment, generation = list_ref.split(":")
        ref = ListRef(project, environment, segment, int(generation))
        try:
            with replaced_when_out_of_memory(TASK_RESHARD):
                reshard_list(services.get(), ref)
        except TransientError as exc:
            logger.warning("reshard.postponed", extra={"list": ref.name, "reason": str(exc)})

    @app.task(name=TASK_TEND, queue=QUEUE_UPKEEP, **options)
    def tend_store() -> None:
        """Sweep, free and re-shard; several at once share the turns."""
        with replaced_when_out_of_memory(TASK_TEND):
            tend(services.get())
