"""Vercel's evaluator, unmodified, and JavaScript itself, in one Node process."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_PROGRAM: Final = Path(__file__).parent / "oracle.cjs"
_STOP_LIMIT_S: Final = 10.0


def as_parsed(value: Any) -> Any:
    """Give what a JSON parser makes of a value: halves of a pair that meet become one character."""
    return json.loads(json.dumps(value))


@dataclass(frozen=True, slots=True)
class Oracle:
    """Answers questions, a batch at a time."""

    process: subprocess.Popen[str]

    def ask(self, kind: str, questions: Sequence[Any]) -> list[Any]:
        """Give one answer for each question of a kind: worlds, dates, numbers, lower, patterns."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'ask': kind, 'of': questions})}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the Node process has ended; see its output on standard error"
        answers: list[Any] = json.loads(line)
        assert len(answers) == len(questions)
        return answers


@contextmanager
def running_oracle(home: Path) -> Iterator[Oracle]:
    """Run the oracle in the time zone UTC.

    Args:
        home: where scripts/setup-node has put Node and what it runs.
    """
    assert (home / "stamp").exists(), "run scripts/setup-node first, or leave it --without-node"
    with subprocess.Popen(
        (home / "node", _PROGRAM),
        env={"NODE_PATH": str(home / "node_modules"), "TZ": "UTC"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Oracle(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_LIMIT_S)
        finally:
            process.kill()
