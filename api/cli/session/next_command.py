"""Commands that a message tells its reader to run next, to be copied as they are."""

import shutil
import sys
from pathlib import Path
from typing import Final

from api.cli.session.options import EnvironmentOptions, SegmentOptions

_NAME: Final = "bigseg"


def next_command(target: SegmentOptions, *words: str) -> str:
    """Write a command about a segment, with the program as this process was called."""
    usual, options = EnvironmentOptions(), ["-s", target.segment]
    if target.project != usual.project:
        options += ["--project", target.project]
    if target.environment != usual.environment:
        options += ["--environment", target.environment]
    return " ".join((_program(), *words, *options))


def _program() -> str:
    called = sys.argv[0]
    if Path(called).name != _NAME or shutil.which(_NAME) == called:
        return _NAME
    return called
