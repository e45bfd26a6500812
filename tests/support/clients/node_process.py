"""A program in Node that answers each line of JSON with another."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Where scripts/setup-node has put Node and what it runs.
_HOME: Final = Path(__file__).parents[3] / ".venv/node"
_STOP_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """The running program."""

    process: subprocess.Popen[str]

    def ask(self, question: Any) -> Any:
        """Send a value; give the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(question)}\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> Any:
        """Give the next value that the program writes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the Node process has ended; see its output on standard error"
        return json.loads(line)


@contextmanager
def node_process(program: Path, *arguments: str) -> Iterator[NodeProcess]:
    """Run a program in the time zone UTC, without any proxy settings."""
    assert (_HOME / "stamp").exists(), "run scripts/setup-node first, or leave it --without-node"
    with subprocess.Popen(
        (_HOME / "node", program, *arguments),
        env={"NODE_PATH": str(_HOME / "node_modules"), "TZ": "UTC"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield NodeProcess(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_LIMIT_S)
        finally:
            process.kill()
