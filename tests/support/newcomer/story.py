"""The first hour of somebody who has just cloned the repository, typed into a real terminal.

Run as a program it prints the transcript; with ``--record`` it writes it where the test reads it.
"""

import argparse
import shlex
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from tests.support.commands.pages import Page
from tests.support.commands.terminal import Terminal
from tests.support.newcomer.transcript import Transcript
from tests.support.processes.started import script_command
from tests.support.systems.up import default_ports

ROOT: Final = Path(__file__).parents[3]
TRANSCRIPT: Final = ROOT / "tests/data/transcript.txt"

_BIGSEG: Final = ".venv/bin/bigseg"
_UP: Final = f"{_BIGSEG} up"
#: So that an import of a small list can be met under way; it takes as long as what comes after.
_SLOW: Final = {"BIGSEG_PUT_RATE_BYTES_S": "50000"}
_NARROW: Final = 40
#: In the environment of what has to begin in an interpreter of its own, as `up` always does:
#: Ctrl-C reaches only what the terminal's shell has started.
_ANEW: Final = {"ANEW": "yes"}
_INSTALLED: Final = Path(sys.executable).parent / "bigseg"
#: Runs a script under the name by which it was called.
_CALLED: Final = (
    "import sys; path, *sys.argv = sys.argv[1:]; exec(compile(open(path).read(), path, 'exec'))"
)


class Story:
    """One newcomer: a directory with the installed project in it, and what happened there."""

    def __init__(self, directory: Path) -> None:
        environment = {"HOME": str(directory), **_SLOW}
        self._terminal = Terminal(directory, environment)
        self._interruptible = Terminal(directory, environment | _ANEW)
        self._directory = directory
        self.transcript = Transcript(str(directory))
        _install(directory / ".venv")

    def tell(self) -> str:
        """Play everything; gives the transcript."""
        readme = Page(ROOT / "README.md")
        tour = readme.block("tour")
        self.transcript.heading("The README, in order")
        with self._system(_UP):
            self._each(tour)
            self.transcript.heading("Its import once more")
            self._each("\n".join(tour.strip().splitlines()[:2]))
            self.transcript.heading("A narrow terminal")
            self._narrow()
            self.transcript.heading("Ctrl-C")
            goes_on = self._interrupted_imports()
            self.transcript.heading("A port that is taken")
            self._taken_ports()
            self.transcript.heading("A wrong token, a wrong address, a wrong name")
            self._mistakes()
            self.transcript.heading("The import that went on")
            self._type(goes_on.replace("watch", "wait"))
            self._interrupt(f"{_BIGSEG} segments delete vip", after="to go on: ")
        self.transcript.heading("Nothing runs any more")
        self._type(f"{_BIGSEG} segments list")
        return self.transcript.text

    def _taken_ports(self) -> None:
        self._type("mkdir -p beside/lists")
        self._type(f"{_UP} --port 8000 --data-dir beside/data; ls beside")
        with self._system(f"cd beside && ../{_UP} --concurrency 1 --api-processes 1"):
            self._type("cd beside/lists && ../../.venv/bin/bigseg segments list")
        # The next line comes when another process is ready, long after this one.
        self._interrupt(f"cd beside && ../{_UP} --port 8100", after="objects:")

    def _mistakes(self) -> None:
        here = "BIGSEG_URL=http://127.0.0.1"
        self._type(f"{here}:8000 BIGSEG_TOKEN=wrong {_BIGSEG} segments list")
        self._type(f"{here}:19000 {_BIGSEG} segments list")
        self._type(f"{here}:19000 BIGSEG_TOKEN=wrong {_BIGSEG} segments list")
        self._type(f"{here}:1 BIGSEG_TOKEN=wrong {_BIGSEG} segments list")
        self._type(f"BIGSEG_URL=nonsense:// {_BIGSEG} segments list")
        self._type(f"{_BIGSEG} lookup --segment vpi alice")
        self._type(f"{_BIGSEG} import custmers.csv --segment other --create")
        self._type(f"{_BIGSEG} import customers.csv --segmnt vip")

    def _narrow(self) -> None:
        narrow = Terminal(self._directory, self._terminal.environment, _NARROW)
        for command in (
            "import customers.csv --segment vip --mode replace",
            "lookup --segment vip alice dave",
            "segments list",
            "imports list --segment vip --limit 1",
        ):
            self.transcript.run(narrow, f"{_BIGSEG} {command}")

    def _interrupted_imports(self) -> str:
        """Interrupt an upload, and the watching of an import; gives how to watch that again."""
        self._type("seq 1000000 1100000 > numbers.csv; mkfifo slow")
        piped = f"echo zoe > slow & {_BIGSEG} import - --segment vip <>slow"
        self._interrupt(piped, after="reading")
        importing = f"{_BIGSEG} import numbers.csv --segment vip"
        advice = self._interrupt(importing, after="building")
        watching = advice.split("`")[1]
        self._interrupt(watching, after="building")
        return watching

    def _system(self, command: str) -> AbstractContextManager[None]:
        return self.transcript.beside(self._terminal, command, until="ready ")

    def _each(self, commands: str) -> None:
        for line in commands.strip().splitlines():
            self._type(line)

    def _type(self, command: str) -> None:
        self.transcript.run(self._terminal, command)

    def _interrupt(self, command: str, *, after: str) -> str:
        return self.transcript.interrupt(self._interruptible, command, after).text


def _install(environment: Path) -> None:
    """Put the installed `bigseg` into what is the newcomer's environment of Python.

    Most of its commands begin as other programs of the tests do, for a tenth of the work.
    """
    if sys.platform != "linux":
        environment.symlink_to(sys.prefix)
        return
    anew = shlex.join((sys.executable, "-P", "-c", _CALLED, str(_INSTALLED)))
    command = environment / "bin/bigseg"
    command.parent.mkdir(parents=True)
    command.write_text(
        "#!/bin/sh\n"
        f'[ "$1" != up ] && [ -z "$ANEW" ] || exec {anew} "$0" "$@"\n'
        f'exec {shlex.join(script_command(_INSTALLED))} "$0" "$@"\n'
    )
    command.chmod(0o755)


def play() -> str:
    """Play the story in an empty directory, on the default ports; gives the transcript."""
    with default_ports(), tempfile.TemporaryDirectory(prefix="newcomer-") as directory:
        story = Story(Path(directory).resolve())
        try:
            return story.tell()
        except AssertionError as exc:
            exc.add_note(story.transcript.text)
            raise


def main() -> None:
    """Print the transcript, or write it down."""
    parser = argparse.ArgumentParser(description="Play a newcomer's first hour in a terminal.")
    parser.add_argument("--record", action="store_true", help=f"write {TRANSCRIPT.name}")
    text = play()
    if parser.parse_args().record:
        TRANSCRIPT.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
