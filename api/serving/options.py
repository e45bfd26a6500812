"""The options of the processes that serve, and the commands that start them."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

#: More would only wait for the store.
MOST_PROCESSES: Final = 64
#: Seconds that open requests have to end in, once the process is asked to.
OPEN_REQUESTS_GRACE_S: Final = 5


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the certificate chain and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Inherited:
    """File descriptors that a process has from its supervisor, and its place among the others."""

    socket: int
    """Bound to the port; to listen on."""
    tally: int
    lifeline: int
    """A pipe that ends when the supervisor does."""
    place: int


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """What ``bigseg api`` was asked for."""

    address: Address
    tls: Tls | None = None
    processes: int = 1

    def command(self) -> tuple[str, ...]:
        """The command that serves so."""
        return (
            *(sys.executable, "-m", "api.serving"),
            *("--host", self.address.host, "--port", str(self.address.port)),
            *("--processes", str(self.processes)),
            *_tls_options(self.tls),
        )

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Self:
        """Read the arguments of :meth:`command`."""
        parser = argparse.ArgumentParser("python -m api.serving")
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--processes", type=int, default=1)
        _add_tls(parser)
        given = parser.parse_args(arguments)
        return cls(Address(given.host, given.port), _tls(given), given.processes)


def process_command(inherited: Inherited, tls: Tls | None) -> tuple[str, ...]:
    """Build the command of one of several processes."""
    return (
        *(sys.executable, "-m", "api.serving.process"),
        *("--socket", str(inherited.socket), "--tally", str(inherited.tally)),
        *("--lifeline", str(inherited.lifeline), "--place", str(inherited.place)),
        *_tls_options(tls),
    )


def parse_process(arguments: Sequence[str]) -> tuple[Inherited, Tls | None]:
    """Read the arguments of :func:`process_command`."""
    parser = argparse.ArgumentParser("python -m api.serving.process")
    for name in ("socket", "tally", "lifeline", "place"):
        parser.add_argument(f"--{name}", type=int, required=True)
    _add_tls(parser)
    given = parser.parse_args(arguments)
    return Inherited(given.socket, given.tally, given.lifeline, given.place), _tls(given)


def _tls_options(tls: Tls | None) -> tuple[str, ...]:
    if tls is None:
        return ()
    return ("--tls-cert", str(tls.certificate), "--tls-key", str(tls.key))


def _add_tls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)


def _tls(given: argparse.Namespace) -> Tls | None:
    return None if given.tls_cert is None else Tls(given.tls_cert, given.tls_key)
