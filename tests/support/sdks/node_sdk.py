"""LaunchDarkly's SDK for Node, in a process of its own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.clients.node_process import NodeProcess, node_process
from tests.support.sdks.connecting import Connection, Context, Evaluated

_DRIVER: Final = Path(__file__).parent / "node/driver.cjs"


@dataclass(frozen=True, slots=True)
class NodeSdk:
    """The SDK; see ``Sdk``."""

    name: str
    process: NodeProcess

    def evaluate(self, flag: str, contexts: Sequence[Context]) -> list[Evaluated]:
        answers = self.process.ask({"flag": flag, "contexts": [*contexts]})
        return [Evaluated(**answer) for answer in answers]

    def logged(self) -> list[str]:
        found: list[str] = self.process.ask("log")
        return found


@contextmanager
def node_sdk(
    connection: Connection, *, stream: bool = True, fdv2: bool = False
) -> Iterator[NodeSdk]:
    """Connect the SDK, and wait until it has what it evaluates with.

    Args:
        connection: Where it finds everything.
        stream: Whether it streams, or polls; by the first protocol.
        fdv2: Whether it polls and then streams by the second protocol.
    """
    options = {
        "sdkKey": connection.sdk_key,
        "url": connection.url,
        "redisUrl": connection.redis_url,
        "prefix": connection.prefix,
        "stream": stream,
        "fdv2": fdv2,
        "cacheSeconds": connection.cache_s,
    }
    with node_process(_DRIVER, json.dumps(options)) as process:
        begun = process.read()
        assert begun is True, begun
        way = "FDv2" if fdv2 else "streaming" if stream else "polling"
        yield NodeSdk(f"Node, {way}", process)
