"""The commands that pages use, on a PATH: bigseg's own, and stand-ins for those of others."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from tests.support.processes.started import script_command

_STAND_INS: Final = Path(__file__).parent / "stand_ins"
_OWN: Final = Path(sys.executable).parent / "bigseg"


def install_commands(folder: Path, servers: dict[str, str]) -> str:
    """Put commands into a folder; give the PATH that finds them first.

    Args:
        folder: where they go.
        servers: name of a command → the program that it runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = [_OWN] if sys.platform == "linux" else []  # elsewhere the installed one is found
    for script in (*own, *sorted(_STAND_INS.glob("*.py"))):
        command = folder / script.stem.replace("_", "-")
        command.write_text(f'#!/bin/sh\nexec {shlex.join(script_command(script))} "$0" "$@"\n')
        command.chmod(0o755)
    for name, program in servers.items():
        (folder / name).symlink_to(program)
    assert shutil.which("curl"), "the pages call the API with curl, which is not on PATH"
    return os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
