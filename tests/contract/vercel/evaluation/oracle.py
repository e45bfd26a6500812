"""Vercel's evaluator, unmodified, and JavaScript itself, in one Node process."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.clients.node_process import NodeProcess, node_process

_PROGRAM: Final = Path(__file__).parent / "oracle.cjs"


def as_parsed(value: Any) -> Any:
    """Give what a JSON parser makes of a value: halves of a pair that meet become one character."""
    return json.loads(json.dumps(value))


@dataclass(frozen=True, slots=True)
class Oracle:
    """Answers questions, a batch at a time."""

    process: NodeProcess

    def ask(self, kind: str, questions: Sequence[Any]) -> list[Any]:
        """Give one answer for each question of a kind: worlds, dates, numbers, lower, patterns."""
        answers: list[Any] = self.process.ask({"ask": kind, "of": questions})
        assert len(answers) == len(questions)
        return answers


@contextmanager
def running_oracle() -> Iterator[Oracle]:
    """Run the oracle in the time zone UTC."""
    with node_process(_PROGRAM) as process:
        yield Oracle(process)
