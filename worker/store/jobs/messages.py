"""How work is announced: task names, queues and the broker's options.

The API sends tasks by name and the worker serves them; both read this page. Messages
are hints: the sweep makes up for lost ones, and a duplicate does no harm.
"""

from typing import Final

from worker.settings import StoreSettings

TASK_WORK: Final = "bigseg.work"
TASK_RESHARD: Final = "bigseg.reshard"
TASK_TEND: Final = "bigseg.tend"

QUEUE_WORK: Final = "bigseg.work"
QUEUE_UPKEEP: Final = "bigseg.upkeep"

#: Seconds after which the broker hands an unacknowledged message out again. Every task
#: is bounded well below it.
VISIBILITY_TIMEOUT_S: Final = 3_600
TASK_TIME_LIMIT_S: Final = 1_800


def broker_options(settings: StoreSettings) -> dict[str, object]:
    """Celery configuration that sender and worker must share.

    The prefix keeps several systems apart on one broker; a task without a result and a
    message without an ETA are the only kinds used.
    """
    address = settings.broker_address
    return {
        # Without the log-in, so that whatever Celery logs holds none.
        "broker_url": address.label,
        "broker_transport": "worker.broker.transport:AddressedTransport",
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "address": address,
            "global_keyprefix": f"{settings.key_prefix}:broker:",
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "socket_timeout": 10.0,
            "socket_connect_timeout": 5.0,
            "socket_keepalive": True,
            "retry_on_timeout": False,
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_default_queue": QUEUE_WORK,
        "task_routes": {
            TASK_WORK: {"queue": QUEUE_WORK},
            TASK_RESHARD: {"queue": QUEUE_WORK},
            TASK_TEND: {"queue": QUEUE_UPKEEP},
        },
    }
