"""`redis-cli -e -u URL COMMAND…`: the wheels that bring servers bring no client."""

import socket
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import hiredis

_PIECE = 65_536
_NEVER_ANSWERED = "SHUTDOWN"


def main(arguments: Sequence[str]) -> None:
    """Send one command, and print its reply as redis-cli does where no terminal is."""
    match arguments:
        case ["-e", "-u", url, *command] if command:
            sys.stdout.write("".join(f"{line}\n" for line in _lines(_ask(url, command))))
        case _:
            raise SystemExit(f"redis-cli: only `-e -u URL COMMAND…` is known here: {arguments}")


def _ask(url: str, command: Sequence[str]) -> Any:
    server = urlsplit(url)
    reader = hiredis.Reader(replyError=SystemExit, notEnoughData=None)
    try:
        with socket.create_connection((server.hostname or "", server.port or 0), 10) as connection:
            connection.sendall(hiredis.pack_command(tuple(command)))
            while (reply := reader.gets()) is None:
                piece = connection.recv(_PIECE)
                if not piece:
                    break
                reader.feed(piece)
    except OSError as exc:
        raise SystemExit(f"Could not connect to Redis at {server.netloc}: {exc.strerror}") from exc
    if isinstance(reply, SystemExit):
        raise reply
    if reply is None and command[0] != _NEVER_ANSWERED:
        raise SystemExit("Error: Server closed the connection")
    return [] if reply is None else reply


def _lines(reply: Any) -> list[str]:
    if isinstance(reply, list):
        return [line for part in reply for line in _lines(part)]
    if isinstance(reply, bytes):
        return reply.decode(errors="replace").splitlines()
    return [str(reply)]


if __name__ == "__main__":
    main(sys.argv[1:])
