"""How a local system is started: ports, processes, settings, and where its data is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.default_ports import DEFAULT_PORT, DEFAULT_REDIS_PORT, DEFAULT_S3_PORT
from api.identity.connection_file import DATA_DIRECTORY
from api.local.commands import SpecifyServices, specify_services
from api.local.probes import choose_port
from api.local.processes.supervisor import FIRST_PAUSE_S

_MOST_WORKERS: Final = 4
_MOST_API_PROCESSES: Final = 4


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How a local system is started.

    Attributes:
        data_dir: where it keeps everything.
        host: address the API listens on; store and objects are always on the loopback.
        port: port of the API; None for 8000 or the next free one.
        redis_port: port of the store; None for 16379 or the next free one.
        s3_port: port of the S3 stand-in; None for 19000 or the next free one.
        concurrency: worker processes beside the upkeep process; None for one per core,
            at least 2 and at most 4.
        api_processes: processes that serve the API; None for one per core, at most 4.
        environment: settings and everything else the processes inherit.
        services: the processes beside store and objects; the last one started answers
            ``GET /readyz``.
        first_restart_s: seconds before a service that ended is started again; doubled
            with each further end.
    """

    data_dir: Path = Path(DATA_DIRECTORY)
    host: str = "127.0.0.1"
    port: int | None = None
    redis_port: int | None = None
    s3_port: int | None = None
    concurrency: int | None = None
    api_processes: int | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    services: SpecifyServices = specify_services
    first_restart_s: float = FIRST_PAUSE_S

    def require_free_ports(self) -> None:
        """Refuse a port that is taken before anything is made or started.

        Raises:
            PortTakenError: the user asked for it.
        """
        ports = (
            (self.host, self.port, DEFAULT_PORT, "--port"),
            ("127.0.0.1", self.redis_port, DEFAULT_REDIS_PORT, "--redis-port"),
            ("127.0.0.1", self.s3_port, DEFAULT_S3_PORT, "--s3-port"),
        )
        for host, port, default, option in ports:
            if port is not None:
                choose_port(host, port, default, option)

    def worker_processes(self) -> int:
        """How many worker processes are started."""
        return self.concurrency or max(2, min(_MOST_WORKERS, os.cpu_count() or 1))

    def serving_processes(self) -> int:
        """How many processes serve the API."""
        return self.api_processes or min(_MOST_API_PROCESSES, os.cpu_count() or 1)
