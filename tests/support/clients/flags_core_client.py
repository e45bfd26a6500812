"""Vercel's flags-core client, unmodified, in one Node process that does what it is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.clients.node_process import NodeProcess, node_process

_DRIVER: Final = Path(__file__).parent / "flags_core/driver.cjs"


class ClientFailed(Exception):
    """The client threw; says what."""


@dataclass(frozen=True, slots=True)
class FlagsCoreClient:
    """One client at a time, of one SDK key."""

    process: NodeProcess

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
        answer = self.process.ask({"action": action, **given})
        if "error" in answer:
            raise ClientFailed(answer["error"])
        return answer["result"]


@contextmanager
def flags_core_client(base_url: str) -> Iterator[FlagsCoreClient]:
    """Run the client's process against one API, in the time zone UTC."""
    with node_process(_DRIVER, base_url) as process:
        yield FlagsCoreClient(process)
