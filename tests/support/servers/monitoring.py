"""Watches how much a server does in each call that a client makes."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.support.servers.redis import Server

#: Time, then database and client, which is ``lua`` for a command of a script, then the command.
_LINE: Final = re.compile(r"^[\d.]+ \[\d+ (\S+)\] (.*)$")
_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Call:
    """One call of a client: a plain command, or a script with all its commands."""

    name: str
    sha: str = ""
    commands: int = 0
    """That a script made."""
    arguments: int = 0
    """Of those commands, or of the plain one."""


@contextmanager
def monitored(server: Server) -> Iterator[list[Call]]:
    """Collect the calls that the server does within; the list is filled at the end."""
    calls: list[Call] = []
    end = secrets.token_hex(16)
    with server.client() as client, client.monitor() as monitor:
        yield calls
        server.command_reply("ECHO", end)
        while True:
            line = monitor.connection.read_response().decode(errors="replace")
            if end in line:
                return
            _note(calls, line)


def _note(calls: list[Call], line: str) -> None:
    found = _LINE.match(line)
    assert found is not None, line
    words = _WORD.findall(found[2])
    if found[1] == "lua":
        calls[-1].commands += 1
        calls[-1].arguments += len(words) - 1
        return
    is_script = words[0].upper() in ("EVAL", "EVALSHA")
    calls.append(Call(words[0].upper(), words[1] if is_script else "", 0, len(words) - 1))
    if is_script:
        calls[-1].arguments = 0
