"""A supervisor goes on when it has no room for a process just now."""

import os
import signal
import socket
import subprocess
import tempfile
from typing import Any, Final, cast

import pytest

from api.metrics.exposition import STARTS
from api.metrics.tally import Tally, make_file
from api.serving.options import Address, ServingOptions
from api.serving.port import Port
from api.serving.supervisor import Shared, Supervisor

_OPTIONS: Final = ServingOptions(Address("127.0.0.1", 0), processes=1)


class _Process:
    """Lives until it is told to end, or was never alive."""

    pid = 1

    def __init__(self, status: int | None) -> None:
        self._status = status

    def poll(self) -> int | None:
        return self._status

    def terminate(self) -> None:
        self._status = 0


class _Port:
    def make_socket(self) -> socket.socket:
        return socket.socket()


def test_process__that_cannot_be_started_again_just_now__is_tried_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts = 0

    def start(*_: Any, **__: Any) -> _Process:
        nonlocal starts
        starts += 1
        if starts == 2:
            raise OSError(12, "Cannot allocate memory")
        if starts == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return _Process(1 if starts == 1 else None)

    monkeypatch.setattr(subprocess, "Popen", start)
    with tempfile.TemporaryFile() as file:
        make_file(file.fileno(), 1)
        tally = Tally.shared(file.fileno(), 0)
        served = tally.row(STARTS)
        served.integers[served.at] = 1
        port = cast("Port", _Port())
        supervisor = Supervisor(port, Shared(file.fileno(), file.fileno()), _OPTIONS, tally)
        assert supervisor.run() == 0
    assert starts == 3
