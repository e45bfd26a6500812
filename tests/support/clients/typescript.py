"""TypeScript clients, unmodified, each in one Node process that does what it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.clients.node_process import NodeProcess, node_process
from tests.support.servers.api import TOKEN

_DRIVERS: Final = Path(__file__).parent / "typescript_client"


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
    process: NodeProcess

    def call(self, operation: str, *arguments: Any, token: str = TOKEN) -> Outcome:
        """Call one operation; ``None`` stands for an argument that is not given."""
        call = {"operation": operation, "token": token, "arguments": arguments}
        return Outcome(**self.process.ask(call))


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
    with node_process(_DRIVERS / driver, base_url) as process:
        yield TypeScriptClient(frozenset(process.read()), process)
