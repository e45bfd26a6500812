"""Pages of Markdown: their fenced blocks, and what the commands among them are said to print."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
#: The languages of commands, and of what they print.
_COMMANDS: Final = "sh"
_OUTPUT: Final = "text"


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    marker: str
    """The comment in the line above it; empty if there is none."""
    heading: str
    """The heading it stands under."""
    start: int
    """Where its text begins in the page."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands of a page, and the output that follows them."""

    commands: Block
    output: Block | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page, as a reader follows it from top to bottom.

    Attributes:
        path: its file.
        words: what the page says → what is so in the run of a test, such as the address.
    """

    path: Path
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Block]:
        """All fenced blocks, in order."""
        text = self.path.read_text()
        return [
            Block(
                match["language"],
                match["text"],
                match["marker"] or "",
                _heading_of(text[: match.start()]),
                match.start("text"),
            )
            for match in _BLOCK.finditer(text)
        ]

    def block(self, marker: str) -> str:
        """The text of the block below a comment."""
        return next(block.text for block in self.blocks if block.marker == marker)

    @property
    def steps(self) -> list[Step]:
        """All commands, each block with the output right after it."""
        following = [*self.blocks, None]
        return [
            Step(block, after if after and after.language == _OUTPUT else None)
            for block, after in pairwise(following)
            if block and block.language == _COMMANDS
        ]

    def for_run(self, text: str) -> str:
        """Put the words of the run in place of the page's."""
        for said, so in self.words.items():
            text = text.replace(said, so)
        return text

    def as_said(self, text: str) -> str:
        """Put the page's words in place of those of the run."""
        for said, so in self.words.items():
            text = text.replace(so, said)
        return text

    def record(self, printed: Sequence[str], same: Callable[[str, str], bool]) -> None:
        """Write what was printed into the page, where it differs.

        Args:
            printed: what the commands of each step printed.
            same: whether two outputs differ in nothing but what varies from run to run.
        """
        text = self.path.read_text()
        for step, output in reversed([*zip(self.steps, printed, strict=True)]):
            if step.output and not same(output, step.output.text):
                start = step.output.start
                lines = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
                text = text[:start] + lines + text[start + len(step.output.text) :]
        self.path.write_text(text)


def _heading_of(before: str) -> str:
    """The last heading of a text; a comment among commands is none."""
    headings: list[str] = _HEADING.findall(_BLOCK.sub("", before))
    return headings[-1] if headings else ""
