"""How bigseg's own processes are started: their commands, alone and in a local system."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import worker
from api.local.processes.supervisor import ChildSpec
from api.serving.options import Address, ServingOptions, Tls
from worker.store import QUEUE_UPKEEP, QUEUE_WORK

# Celery's command line insists on an application made at import time; this module makes it.
_APPLICATION = "worker.tasks.main"
# Units are bounded and safe to run again, so a stop need not wait for the longest of them.
_WORKER_GRACE_S = 10.0
#: Rate limits protect against strangers and neighbours; a local system has neither.
_LIMITS: Final = (
    "BIGSEG_LIMIT_ACCOUNT",
    "BIGSEG_LIMIT_TOKEN",
    "BIGSEG_LIMIT_ROUTE",
    "BIGSEG_LIMIT_LOOKUP_TOKEN",
    "BIGSEG_LIMIT_LOOKUP_ROUTE",
)


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How the services of a local system are started.

    Attributes:
        host: address the API listens on.
        port: its port.
        concurrency: number of worker processes beside the upkeep process.
        api_processes: number of processes that serve the API.
        environment: the whole environment of each service.
        beat_schedule: the file beat keeps its memory in.
    """

    host: str
    port: int
    concurrency: int
    api_processes: int
    environment: Mapping[str, str]
    beat_schedule: Path


SpecifyServices: TypeAlias = Callable[[ServiceOptions], tuple[ChildSpec, ...]]


def specify_services(options: ServiceOptions) -> tuple[ChildSpec, ...]:
    """Specify the services of a local system, in the order of their start."""
    directory = find_code_directory()
    commands = {
        "upkeep": worker_command((QUEUE_UPKEEP,), 1, "upkeep"),
        "worker": worker_command((QUEUE_WORK,), options.concurrency, "work"),
        "beat": beat_command(options.beat_schedule),
        "api": api_command(options.host, options.port, processes=options.api_processes),
    }
    return tuple(
        ChildSpec(name, command, options.environment, directory, _WORKER_GRACE_S, restarts=True)
        for name, command in commands.items()
    )


def find_code_directory() -> Path:
    """Find the directory the packages are imported from, in a checkout or installed.

    Children run there: Celery and ``python -m`` put the working directory before all
    others, and the user's may hold a ``worker`` or an ``api`` of its own.
    """
    return Path(worker.__file__).parents[1]


def worker_command(queues: tuple[str, ...], concurrency: int, name: str) -> tuple[str, ...]:
    """Build the command of a Celery worker.

    Args:
        queues: the queues it takes work from.
        concurrency: number of its processes.
        name: first part of its node name; the machine's name follows.
    """
    return (
        *_celery("worker"),
        f"--queues={','.join(queues)}",
        f"--concurrency={concurrency}",
        f"--hostname={name}@%h",
        "--loglevel=INFO",
        # Workers of bigseg do not talk to each other: the first two would delay the start, and
        # the third would need the right to publish.
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    )


def beat_command(schedule: Path) -> tuple[str, ...]:
    """Build the command of Celery's beat, which keeps its memory in ``schedule``."""
    return (*_celery("beat"), f"--schedule={schedule}", "--loglevel=INFO")


def api_command(
    host: str, port: int, tls: tuple[Path, Path] | None = None, *, processes: int = 1
) -> tuple[str, ...]:
    """Build the command of the HTTP API.

    Args:
        host: address to listen on.
        port: port to listen on.
        tls: files of the certificate chain and its key, to speak HTTPS only.
        processes: how many serve the port; one needs no supervisor.
    """
    files = None if tls is None else Tls(*tls)
    return ServingOptions(Address(host, port), files, processes).command()


def build_environment(given: Mapping[str, str], spills: Path) -> dict[str, str]:
    """Build the environment that every process of a local system inherits.

    Args:
        given: the environment of the user.
        spills: where spill files go unless the user says otherwise.
    """
    environment = dict(given)
    # The children run in another directory than the user.
    folder = Path(environment.get("BIGSEG_SPILL_DIR") or spills)
    environment["BIGSEG_SPILL_DIR"] = str(folder.expanduser().absolute())
    for name in _LIMITS:
        environment.setdefault(name, "0")
    # A proxy for the outside must not be used for 127.0.0.1.
    given_hosts = environment.get("no_proxy") or environment.get("NO_PROXY")
    direct = ",".join(filter(None, (given_hosts, "127.0.0.1,localhost")))
    environment["no_proxy"] = environment["NO_PROXY"] = direct
    if os.geteuid() == 0:
        # Celery warns of root because of pickle, which is off; one user is all there is here.
        ignored = "ignore::UserWarning:celery.platforms"
        warnings = filter(None, (environment.get("PYTHONWARNINGS"), ignored))
        environment["PYTHONWARNINGS"] = ",".join(warnings)
    return environment


def _celery(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", _APPLICATION, "--quiet", command)
