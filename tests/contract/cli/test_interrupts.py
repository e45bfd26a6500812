"""Ctrl-C in a terminal, at every point of a command: it says what is so, and never a traceback."""

import os
import shlex
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import complete_export, working
from tests.support.commands.terminal import Running, Shown, Terminal
from tests.support.proxies.cutting import CuttingProxy
from tests.support.proxies.serving import serving
from tests.support.servers.api import SEGMENTS, TOKEN, Api, create_segment
from tests.support.store.jobs import jobs_of
from worker.objects import ObjectStore
from worker.store import JobRef, Store

_LIST = b"ada\nbob\n"
_STATUS = 130
_ROOT = Path(__file__).parents[3]

Start = Callable[..., AbstractContextManager[Running]]


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


@pytest.fixture
def start(api: Api, tmp_path: Path) -> Start:
    """Start a command in a terminal, against the API or something in front of it."""

    def run(*words: str, url: str = api.url, columns: int = 200) -> AbstractContextManager[Running]:
        environment = {"BIGSEG_URL": url, "BIGSEG_TOKEN": TOKEN, "PYTHONPATH": str(_ROOT)}
        command = shlex.join((sys.executable, "-m", "api.cli", *words))
        return Terminal(tmp_path, environment, columns).start(f"exec {command}")

    return run


def _end(run: Running) -> tuple[int, list[str]]:
    """Wait for the end of a command: its status, and the lines that are left to be seen."""
    shown: Shown = run.end()
    return shown.status, shown.text.replace("^C", "").splitlines()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _imports(client: httpx.Client, segment: str) -> list[str]:
    items = client.get(f"{SEGMENTS}/{segment}/imports").json()["items"]
    return [item["id"] for item in items]


def test_import__before_its_list_is_there__says_that_nothing_was_started(
    start: Start, client: httpx.Client, segment: str, pipe: Path
) -> None:
    with start("import", str(pipe), "-s", segment, "-v") as run:
        run.wait_for("server http")
        run.interrupt()

        status, lines = _end(run)

    assert (status, lines[1:]) == (_STATUS, ["upload aborted, nothing was started"])

    assert _imports(client, segment) == []


def test_import__while_its_pipe_is_read__says_that_nothing_was_started(
    start: Start, client: httpx.Client, segment: str, pipe: Path
) -> None:
    with start("import", str(pipe), "-s", segment) as run, pipe.open("wb") as writer:
        writer.write(_LIST * 1_000)
        writer.flush()
        run.wait_for("reading")
        run.interrupt()

        assert _end(run) == (_STATUS, ["upload aborted, nothing was started"])

    assert _imports(client, segment) == []
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False


@dataclass(slots=True)
class _Holding(CuttingProxy):
    """Lets everything pass but the answer to an upload."""

    held: threading.Event = field(default_factory=threading.Event)

    def _is_cut(self, request: bytes, reply: bytes) -> bool:
        del request
        if not reply.startswith(b"HTTP/1.1 204"):
            return False
        self.held.set()
        return self.ending.wait(30) or True


def test_import__sent_and_not_answered__asks_whether_it_was_started(
    start: Start, api: Api, client: httpx.Client, segment: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(_LIST)
    port = httpx.URL(api.url).port
    assert port is not None
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(_Holding(port, listener)) as proxy,
        start("import", str(file), "-s", segment, url=_address(listener)) as run,
    ):
        assert proxy.held.wait(30)
        run.interrupt()
        status, lines = _end(run)

    (import_id,) = _imports(client, segment)
    assert status == _STATUS
    assert lines == [f"the import goes on: `bigseg imports watch {import_id} -s {segment}`"]


def test_import__that_is_followed__says_that_it_goes_on(
    start: Start, client: httpx.Client, segment: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(_LIST)
    with start("import", str(file), "-s", segment, columns=40) as run:
        run.wait_for("queued 0%")
        run.interrupt()
        run.interrupt()
        status, lines = _end(run)

    (import_id,) = _imports(client, segment)
    assert status == _STATUS
    assert lines in (
        [f"the import goes on: `bigseg imports watch {import_id} -s {segment}`"],
        ["interrupted"],
    )


def test_watch__interrupted__says_that_the_import_goes_on(
    start: Start, client: httpx.Client, segment: str
) -> None:
    reply = client.post(f"{SEGMENTS}/{segment}/imports", files={"file": ("l.csv", _LIST)})
    import_id = reply.headers["location"].rpartition("/")[2]
    with start("imports", "watch", import_id, "-s", segment) as run:
        run.wait_for("queued 0%")
        run.interrupt()

        said = f"the import goes on: `bigseg imports watch {import_id} -s {segment}`"
        assert _end(run) == (_STATUS, [said])


def test_export__while_it_is_written__says_that_nothing_was_written(
    start: Start, store: Store, segment: str, tmp_path: Path
) -> None:
    with start("export", "-s", segment, "-o", "out.csv") as run:
        run.wait_for("queued 0%")
        run.interrupt()
        status, lines = _end(run)

    said = "interrupted, nothing was written; the export goes on, and bigseg deletes its file"
    assert (status, lines) == (_STATUS, [said])
    assert list(tmp_path.iterdir()) == []
    assert jobs_of(store, segment)


def test_export__while_it_is_downloaded__says_what_is_not_whole(
    start: Start, store: Store, objects: ObjectStore, segment: str, pipe: Path
) -> None:
    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, _LIST * 100_000)

    with (
        working(store, segment, end),
        start("export", "-s", segment, "-o", str(pipe)) as run,
        pipe.open("rb", buffering=0) as reader,
    ):
        reader.read(1)
        run.wait_for("downloading")
        run.interrupt()

        said = f"interrupted: what was written to {pipe} is not the whole export"
        assert _end(run) == (_STATUS, [said])
