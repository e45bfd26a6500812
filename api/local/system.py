"""A whole system on one machine: store, objects, workers, beat and API, started together."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Self

from api.default_ports import DEFAULT_PORT, DEFAULT_REDIS_PORT, DEFAULT_S3_PORT
from api.identity.connection_file import ConnectionFile
from api.local.commands import ServiceOptions, build_environment
from api.local.data_dir import DataDirectory, Holder
from api.local.errors import ChildError, LocalSystemError
from api.local.events import Event, OnEvent
from api.local.options import LocalOptions
from api.local.probes import (
    answers_ping,
    check_store,
    check_url,
    choose_port,
    local_host,
    request_status,
)
from api.local.processes.leftovers import stop_leftovers
from api.local.processes.stop_signals import StopSignals
from api.local.processes.supervisor import (
    MOST_RESTARTS,
    STORE_TIER,
    ChildSpec,
    Restarts,
    Supervisor,
)
from api.local.sdk_key import find_sdk_key
from api.local.servers.allocator import choose_allocator, find_library
from api.local.servers.objects import (
    make_bucket,
    make_stand_in_bucket,
    point_to_stand_in,
    specify_object_server,
)
from api.local.servers.store import choose_server

_DEFAULT_BUCKET = "bigseg"
#: Receivers of webhooks on the same machine.
_OWN_RECEIVERS = '["127.0.0.0/8", "::1", "localhost"]'
_POLL_S = 0.05
_WATCH_S = 0.2
_OBJECTS_LIMIT_S = 60.0
_SERVICES_LIMIT_S = 90.0
_STORE_GRACE_S = 30.0
_IDENTITY_KEY_BYTES = 32


class LocalSystem:
    """A running local system; `start` makes it and stops it.

    Attributes:
        url: where the API is.
        token: the admin token.
        environment: the variables its processes run with: the settings for a client of
            the store or the objects.
        data: its data directory.
    """

    def __init__(self, options: LocalOptions, data: DataDirectory, on_event: OnEvent) -> None:
        self._options = options
        self._on_event = on_event
        self._signals = StopSignals()
        self._supervisor = Supervisor(data.logs, data.children)
        self._restarts = Restarts(options.first_restart_s)
        self._due: list[tuple[float, ChildSpec]] = []
        self.data = data
        self.url = ""
        self.token = ""
        self.environment = build_environment(options.environment, data.spills)

    @classmethod
    @contextmanager
    def start(cls, options: LocalOptions, on_event: OnEvent) -> Iterator[Self]:
        """Run a system until the block ends, however it ends; no process of it is left.

        Takes some seconds, longer if the store has much to load. In the main thread the
        first SIGINT, SIGTERM or SIGHUP raises `StopRequestedError` in the block; a second
        one while it stops kills what still runs.

        Args:
            options: what to start.
            on_event: called for each step, from this thread; it must not raise.

        Yields:
            The system, ready to answer.

        Raises:
            LocalSystemError: it could not be started; nothing runs. Safe to retry when it
                is a `TransientError`.
            StopRequestedError: a signal came.
        """
        if not options.data_dir.expanduser().exists():
            options.require_free_ports()
        data = DataDirectory.open(options.data_dir)
        with data.hold() as holder:
            if leftovers := stop_leftovers(data.children):
                names = ", ".join(leftovers)
                on_event(Event("leftovers", f"leftovers: stopped {names} of an earlier run"))
            options.require_free_ports()
            system = cls(options, data, on_event)
            with system._signals.installed():
                try:
                    system._bring_up(holder)
                    yield system
                except BaseException as exc:
                    system._report_reason(exc)
                    raise
                finally:
                    system._stop()

    @property
    def pids(self) -> dict[str, int]:
        """Number of each process by its name, in the order of their start."""
        return self._supervisor.pids

    def check(self) -> None:
        """Do nothing while all processes run.

        Raises:
            ChildError: one has ended; the message has its log's tail.
        """
        self._supervisor.check()

    def wait(self) -> None:
        """Wait until something ends the system; never returns by itself.

        What ends, but for the store, is started again, after ever longer pauses.

        Raises:
            StopRequestedError: a signal came.
            ChildError: the store ended, or another process again and again.
        """
        while True:
            self._plan_restarts()
            self._restart_due()
            time.sleep(_WATCH_S)

    def _plan_restarts(self) -> None:
        for ended in self._supervisor.take_ended():
            name = ended.spec.name
            if not ended.spec.restarts:
                raise ChildError(ended.text)
            pause_s = self._restarts.pause_s(name, ended.ran_s)
            if pause_s is None:
                raise ChildError(f"gave up after {MOST_RESTARTS} restarts: {ended.text}")
            self._due.append((time.monotonic() + pause_s, ended.spec))
            text = f"restart: {ended.how}; starting it again in {pause_s:g} s"
            self._on_event(Event("restart", text, {"process": name}))

    def _restart_due(self) -> None:
        now_s = time.monotonic()
        specs = [spec for due_s, spec in self._due if due_s <= now_s]
        self._due = [(due_s, spec) for due_s, spec in self._due if due_s > now_s]
        for spec in specs:
            self._spawn(spec)

    def _bring_up(self, holder: Holder) -> None:
        options = self._options
        self.token = self._find_token()
        port = self._choose_port(options.host, options.port, DEFAULT_PORT, "--port")
        self._bring_up_store()
        self._bring_up_objects()
        key = secrets.token_hex(_IDENTITY_KEY_BYTES)
        self.environment |= {"BIGSEG_ADMIN_TOKEN": self.token, "BIGSEG_IDENTITY_KEY": key}
        service_options = ServiceOptions(
            host=options.host,
            port=port,
            concurrency=options.worker_processes(),
            api_processes=options.serving_processes(),
            environment=self.environment,
            beat_schedule=self.data.beat_schedule,
        )
        for spec in options.services(service_options):
            self._spawn(spec)
        self._wait_until(
            lambda: request_status(local_host(options.host), port, "/readyz") == HTTPStatus.OK,
            f"the API on port {port} is not ready after {_SERVICES_LIMIT_S:g} s",
            _SERVICES_LIMIT_S,
        )
        host = local_host(options.host)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        holder.announce(url=self.url)
        self.data.write_connection(ConnectionFile(self.url, self.token, key))
        self._issue_sdk_key(port)
        self._on_event(Event("ready", f"ready {self.url}", {"url": self.url}))

    def _issue_sdk_key(self, port: int) -> None:
        environment = self.environment["BIGSEG_SDK_STORE_ENVIRONMENT"]
        host, file = local_host(self._options.host), self.data.sdk_key_file
        if environment and find_sdk_key(host, port, self.token, environment, file):
            text = f"sdk: key of {environment} in {file}"
            self._on_event(Event("sdk", text, {"path": str(file), "environment": environment}))

    def _find_token(self) -> str:
        if token := self._options.environment.get("BIGSEG_ADMIN_TOKEN"):
            self._on_event(Event("token", "token: from BIGSEG_ADMIN_TOKEN"))
            return token
        token = self.data.read_or_make_token()
        path = str(self.data.token_file)
        self._on_event(Event("token", f"token: in {path}", {"path": path}))
        return token

    def _bring_up_store(self) -> None:
        if broker := self._options.environment.get("BIGSEG_BROKER_URL", "").strip():
            check_url("BIGSEG_BROKER_URL", broker)
        if url := self._options.environment.get("BIGSEG_REDIS_URL"):
            check_store(url)
            self._on_event(Event("store", "store: the one of BIGSEG_REDIS_URL"))
            return
        server = choose_server(self._options.environment, self.data.accepts_server)
        self.data.check_server(server.version)
        port = self._choose_port(
            "127.0.0.1", self._options.redis_port, DEFAULT_REDIS_PORT, "--redis-port"
        )
        allocator = choose_allocator(server, self.environment, find_library())
        self._spawn(
            ChildSpec(
                name="store",
                command=server.command(port),
                environment={**self.environment, **allocator.variables},
                directory=self.data.store,
                grace_s=_STORE_GRACE_S,
                tier=STORE_TIER,
            )
        )
        # Loading takes as long as the data is large, so only the end of the process is an error.
        self._wait_until(lambda: answers_ping(port), "the store does not answer", None)
        self.data.record_server(server.version)
        self.environment["BIGSEG_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        text = f"store: {server.version} from {server.source} on port {port}"
        text = f"{text}; allocator: {allocator.name}"
        if server.warning:
            text = f"{text}; {server.warning}"
        details: dict[str, str | int] = {"version": str(server.version), "source": server.source}
        details |= {"binary": server.binary, "port": port, "allocator": allocator.name}
        self._on_event(Event("store", text, details))

    def _bring_up_objects(self) -> None:
        given = self._options.environment.get("BIGSEG_S3_ENDPOINT")
        bucket = self.environment.setdefault("BIGSEG_S3_BUCKET", _DEFAULT_BUCKET)
        # Whoever runs it can reach this machine anyway.
        self.environment.setdefault("BIGSEG_WEBHOOK_ALLOWED", _OWN_RECEIVERS)
        self.environment.setdefault("BIGSEG_SDK_STORE_ENVIRONMENT", "default/production")
        self.environment.setdefault("BIGSEG_INBOX", f"s3://{bucket}/inbox")
        exports = json.dumps([f"s3://{bucket}/lists/exports/"])
        self.environment.setdefault("BIGSEG_S3_DESTINATIONS", exports)
        if given:
            make_bucket(given, bucket, self.environment)
            self._on_event(Event("objects", f"objects: bucket {bucket} of BIGSEG_S3_ENDPOINT"))
            return
        port = self._choose_port("127.0.0.1", self._options.s3_port, DEFAULT_S3_PORT, "--s3-port")
        self.environment = point_to_stand_in(self.environment)
        self._spawn(specify_object_server(port, self.environment, self.data.objects))
        self._wait_until(
            lambda: request_status("127.0.0.1", port, "/") is not None,
            f"the S3 stand-in on port {port} does not answer",
            _OBJECTS_LIMIT_S,
        )
        endpoint = f"http://127.0.0.1:{port}"
        self.environment["BIGSEG_S3_ENDPOINT"] = endpoint
        make_stand_in_bucket(port, bucket)
        text = f"objects: S3 stand-in on port {port}, kept in {self.data.objects}"
        self._on_event(Event("objects", text, {"endpoint": endpoint, "bucket": bucket}))

    def _choose_port(self, host: str, asked: int | None, default: int, option: str) -> int:
        port = choose_port(host, asked, default, option)
        if asked is None and port != default:
            text = f"port: {default} is taken, using {port} ({option})"
            self._on_event(Event("port", text, {"taken": default, "used": port}))
        return port

    def _spawn(self, spec: ChildSpec) -> None:
        # A signal must not come between the start of a process and its record.
        with self._signals.deferred():
            self._supervisor.start(spec)

    def _wait_until(self, is_done: Callable[[], bool], late: str, limit_s: float | None) -> None:
        deadline = time.monotonic() + limit_s if limit_s is not None else None
        while not is_done():
            self.check()
            if deadline is not None and time.monotonic() > deadline:
                raise ChildError(f"{late}; logs are in {self.data.logs}")
            time.sleep(_POLL_S)

    def _report_reason(self, exc: BaseException) -> None:
        reason = self._signals.requested or (
            str(exc).partition(";")[0] if isinstance(exc, LocalSystemError) else type(exc).__name__
        )
        self._on_event(Event("stopping", f"stopping: {reason}", {"reason": reason}))

    def _stop(self) -> None:
        self._signals.disarm()
        self._supervisor.stop(self._signals.forced)
        if self._signals.forced():
            self._on_event(Event("killed", "killed: what had not ended after the second signal"))
        if self.url:
            self.data.write_connection(ConnectionFile(self.url))
        self._on_event(Event("stopped", "stopped"))
