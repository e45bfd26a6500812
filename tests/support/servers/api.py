"""The API as a process of its own, over a real store server, for tests of its wire."""

import base64
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.local.commands import api_command
from tests.support.processes.started import Process, start, stop
from tests.support.servers.objects import CREDENTIALS
from tests.support.servers.plain_http import NO_ROOTS
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until
from worker.store import EnvironmentRef, Store, StoreSettings, open_store

TOKEN = "token-of-a-test-api"
#: What an API of a test proves itself with.
IDENTITY_KEY = "0123456789abcdef" * 4
PRODUCTION = EnvironmentRef("default", "production")
SEGMENTS = "/api/v2/segments/default/production"

#: Nothing listens there, so a refusal comes at once.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Api:
    """One API process and what it works over."""

    url: str
    redis_url: str
    prefix: str
    process: Process
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @contextmanager
    def client(self, token: str | None = TOKEN) -> Iterator[httpx.Client]:
        """Give a client that sends the token as LaunchDarkly's do: bare."""
        headers = {} if token is None else {"Authorization": token}
        with httpx.Client(
            base_url=self.url, headers=headers, timeout=60, verify=NO_ROOTS
        ) as client:
            yield client

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store that the API works over."""
        settings = StoreSettings.model_validate(
            {"redis_url": self.redis_url, "key_prefix": self.prefix}
        )
        with open_store(settings) as store:
            yield store


def new_key(prefix: str = "segment") -> str:
    """Give a segment key that no other test uses."""
    return f"{prefix}-{secrets.token_hex(6)}"


@contextmanager
def running_api(
    redis_url: str,
    settings: Mapping[str, str] | None = None,
    credentials: Mapping[str, str] = CREDENTIALS,
    *,
    processes: int = 1,
) -> Iterator[Api]:
    """Run an API under a prefix of its own; it is gone at the end.

    Args:
        redis_url: the store, and the broker unless the settings name another.
        settings: further ``BIGSEG_*`` variables, without their prefix.
        credentials: the ``AWS_*`` variables, all of them.
        processes: how many serve; with more than one, ``process`` is their supervisor.
    """
    directory = Path(tempfile.mkdtemp(prefix="bigseg-api-"))
    port, prefix = free_port(), f"test-{secrets.token_hex(4)}"
    chosen = {
        "REDIS_URL": redis_url,
        "KEY_PREFIX": prefix,
        "ADMIN_TOKEN": TOKEN,
        "IDENTITY_KEY": IDENTITY_KEY,
        "S3_ENDPOINT": NOWHERE,
        **(settings or {}),
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BIGSEG_", "AWS_"))
    }
    environment = kept | dict(credentials)
    environment |= {f"BIGSEG_{name}": value for name, value in chosen.items()}
    log_file = directory / "api.log"
    try:
        with log_file.open("ab") as log:
            command = api_command("127.0.0.1", port, processes=processes)
            process = start(command, environment, log)
        api = Api(f"http://127.0.0.1:{port}", redis_url, prefix, process, log_file)
        try:
            wait_until(lambda: _answers(api), f"the API on port {port} answers")
            yield api
        finally:
            if processes == 1:  # a stop takes time, and has tests of its own
                process.kill()
            stop(process)
    finally:
        shutil.rmtree(directory)


def create_segment(client: httpx.Client, key: str | None = None, *, big: bool = True) -> str:
    """Create a segment; give its key."""
    key = key or new_key()
    body = {"key": key, "name": f"Name of {key}", "unbounded": big}
    reply = client.post(SEGMENTS, json=body)
    assert reply.status_code == 201, reply.text
    return key


def include(client: httpx.Client, key: str, *context_keys: str) -> None:
    """Add context keys to the included list."""
    body = {"included": {"add": list(context_keys)}}
    reply = client.post(f"{SEGMENTS}/{key}/contexts", json=body)
    assert reply.status_code == 204, reply.text


def assert_refused(reply: httpx.Response, status: int, code: str) -> str:
    """Hold a refusal against LaunchDarkly's shape; give its message."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"code", "message", "id"}
    assert body["code"] == code
    assert len(body["id"]) == 36
    message = body["message"]
    assert isinstance(message, str)
    assert message
    return message


def wait_for_message(store: Store, task: str, argument: str) -> None:
    """Wait until a message of this task with this argument is in the broker's queue."""
    queue = f"{store.keyspace.prefix}:broker:bigseg.work"

    def there() -> bool:
        messages = [
            json.loads(text)
            for text in store.client.lrange(queue, 0, -1)  # type: ignore[attr-defined]  # redis-py's
        ]
        return any(
            one["headers"]["task"] == task
            and json.loads(base64.b64decode(one["body"]))[0] == [argument]
            for one in messages
        )

    wait_until(there, f"{task} is sent about {argument}")


def _answers(api: Api) -> bool:
    if api.process.poll() is not None:
        raise RuntimeError(f"the API ended:\n{api.log}")
    try:
        return httpx.get(f"{api.url}/healthz", timeout=30, verify=NO_ROOTS).is_success
    except httpx.TransportError:  # not listening yet
        return False
