"""Vercel's flags-core client, unmodified, in one Node process that does what it is told."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_HOME: Final = Path(__file__).parents[3] / ".venv/node"
_DRIVER: Final = Path(__file__).parent / "flags_core/driver.cjs"
_STOP_LIMIT_S: Final = 10.0


class ClientFailed(Exception):
    """The client threw; says what."""


@dataclass(frozen=True, slots=True)
class FlagsCoreClient:
    """One client at a time, of one SDK key."""

    process: subprocess.Popen[str]

    def open(self, sdk_key: str, *, defaults: bool = False) -> None:
        """Create a client, which asks for its datafile once, or as its default options say."""
        self._tell("open", key=sdk_key, defaults=defaults)

    def datafile(self) -> Any:
        """Give the datafile that the client has."""
        return self._tell("datafile")

    def evaluate(self, flags: Sequence[str], entities: Sequence[Any]) -> list[list[Any]]:
        """Give the value of each flag, or what the client says is wrong, for each of entities."""
        answers: list[list[Any]] = self._tell("evaluate", flags=flags, entities=entities)
        return answers

    def close(self) -> list[list[Any]]:
        """Shut the client down; give the method, path and status of each of its requests."""
        requests: list[list[Any]] = self._tell("close")
        return requests

    def _tell(self, action: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'action': action, **given})}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the Node process has ended; see its output on standard error"
        answer = json.loads(line)
        if "error" in answer:
            raise ClientFailed(answer["error"])
        return answer["result"]


@contextmanager
def flags_core_client(base_url: str) -> Iterator[FlagsCoreClient]:
    """Run the client's process against one API, in the time zone UTC."""
    assert (_HOME / "stamp").exists(), "run scripts/setup-node first, or leave it --without-node"
    with subprocess.Popen(
        (_HOME / "node", _DRIVER, base_url),
        env={"NODE_PATH": str(_HOME / "node_modules"), "TZ": "UTC"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield FlagsCoreClient(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_LIMIT_S)
        finally:
            process.kill()
