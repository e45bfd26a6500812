"""The commands of the processes that serve, read back by what they start."""

import sys
from pathlib import Path

import pytest

from api.serving.options import (
    Address,
    Inherited,
    ServingOptions,
    Tls,
    parse_process,
    process_command,
)

_TLS = Tls(Path("/etc/a b.pem"), Path("/etc/key.pem"))


@pytest.mark.parametrize("tls", [None, _TLS])
@pytest.mark.parametrize("processes", [1, 3])
def test_command__of_options__is_read_as_the_same(tls: Tls | None, processes: int) -> None:
    options = ServingOptions(Address("::1", 8_000), tls, processes)
    python, module, name, *arguments = options.command()

    assert (python, module, name) == (sys.executable, "-m", "api.serving")
    assert ServingOptions.parse(arguments) == options


@pytest.mark.parametrize("tls", [None, _TLS])
def test_command__of_a_process__is_read_as_the_same(tls: Tls | None) -> None:
    inherited = Inherited(socket=3, tally=4, lifeline=5, place=2)
    _, _, name, *arguments = process_command(inherited, tls)

    assert name == "api.serving.process"
    assert parse_process(arguments) == (inherited, tls)
