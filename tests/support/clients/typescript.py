"""TypeScript clients, unmodified, each in one Node process that does what it is told."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.servers.api import TOKEN

_ROOT: Final = Path(__file__).parents[3]
_HOME: Final = _ROOT / ".venv/node"
_DRIVERS: Final = Path(__file__).parent / "typescript_client"
_STOP_LIMIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer as the client gives it: header names in lower case, the body parsed."""

    status: int
    headers: dict[str, str]
    data: Any
    error: str | None = None
    """The kind of error that the client raised, if it says that."""


@dataclass(frozen=True, slots=True)
class TypeScriptClient:
    """Calls operations on segments, one after the other."""

    operations: frozenset[str]
    """Names of all that the client has."""
    process: subprocess.Popen[str]

    def call(self, operation: str, *arguments: Any, token: str = TOKEN) -> Outcome:
        """Call one operation; ``None`` stands for an argument that is not given."""
        call = {"operation": operation, "token": token, "arguments": arguments}
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(call)}\n")
        self.process.stdin.flush()
        return Outcome(**_line(self.process))


def list_file(name: str, content: str) -> dict[str, Any]:
    """Give what the driver makes a file of."""
    return {"listFile": {"name": name, "content": content}}


@contextmanager
def typescript_client(base_url: str) -> Iterator[TypeScriptClient]:
    """Run LaunchDarkly's client against one API.

    Args:
        base_url: of the API, without ``/api/v2``.
    """
    with _running("driver.cjs", base_url) as client:
        yield client


@contextmanager
def vercel_sdk(base_url: str) -> Iterator[TypeScriptClient]:
    """Run Vercel's client against one API."""
    with _running("vercel.cjs", base_url) as client:
        yield client


@contextmanager
def _running(driver: str, base_url: str) -> Iterator[TypeScriptClient]:
    assert (_HOME / "stamp").exists(), "run scripts/setup-node first, or leave it --without-node"
    with subprocess.Popen(
        (_HOME / "node", _DRIVERS / driver, base_url),
        env={"NODE_PATH": str(_HOME / "node_modules")},  # no proxy settings either
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield TypeScriptClient(frozenset(_line(process)), process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_LIMIT_S)
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the Node process has ended; see its output on standard error"
    return json.loads(line)
