"""An API of several processes on one port, as ``bigseg api --processes`` runs it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import httpx
import psutil

from tests.support.processes.started import Process
from tests.support.servers.api import TOKEN, Api
from tests.support.servers.plain_http import NO_ROOTS


def process_ids(api: Api) -> list[int]:
    """The processes that serve, without their supervisor."""
    children = psutil.Process(api.process.pid).children()
    return [child.pid for child in children if _serves(child)]


def _serves(process: psutil.Process) -> bool:
    try:
        return "api.serving.process" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it has just ended
        return False


def read_metrics(url: str) -> dict[str, float]:
    """What one of the processes, whichever answers, says of all."""
    headers = {"Authorization": TOKEN}
    reply = httpx.get(f"{url}/metrics", headers=headers, timeout=30, verify=NO_ROOTS)
    assert reply.status_code == 200, reply.text
    pairs = (line.rsplit(" ", 1) for line in reply.text.splitlines() if line[:1] != "#")
    return {name: float(value) for name, value in pairs}


@dataclass(slots=True)
class Load:
    """Clients that each keep one connection and ask again as soon as they have an answer."""

    port: int
    path: str
    stop: threading.Event = field(default_factory=threading.Event)
    pause_s: float = 0
    """Between an answer and the next question, while something else is waited for."""
    answered: int = 0
    refused: list[int] = field(default_factory=list)
    """Statuses other than 200."""
    broken: set[int] = field(default_factory=set)
    """Clients that lost a connection; each connects again."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, client: int) -> None:
        """Be one client, until the load is to stop."""
        while not self.stop.is_set():
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                self._ask_over(connection)
            except (HTTPException, OSError):
                with self.lock:
                    self.broken.add(client)
            finally:
                connection.close()

    def _ask_over(self, connection: HTTPConnection) -> None:
        while not self.stop.is_set():
            connection.request("GET", self.path, headers={"Authorization": TOKEN})
            answer = connection.getresponse()
            answer.read()
            with self.lock:
                self.answered += 1
                if answer.status != httpx.codes.OK:
                    self.refused.append(answer.status)
            if self.pause_s:
                self.stop.wait(self.pause_s)


@contextmanager
def running_load(api: Api, path: str, connections: int) -> Iterator[Load]:
    """Keep some clients busy during the block."""
    load = Load(int(httpx.URL(api.url).port or 0), path)
    clients = [threading.Thread(target=load.ask, args=(number,)) for number in range(connections)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.stop.set()
        for client in clients:
            client.join()


def connections_of(pid: int, port: int) -> int:
    """How many connections to the port a process holds."""
    held = psutil.Process(pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in held)


def has_ended(process: Process, limit_s: float) -> bool:
    """Wait for the end of a process."""
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return False
    return True
