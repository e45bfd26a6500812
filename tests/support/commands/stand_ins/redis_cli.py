"""`redis-cli -u URL COMMAND…` over redis-py: the wheels with servers have no client."""

import sys
from collections.abc import Sequence
from typing import Any

import redis


def main(arguments: Sequence[str]) -> None:
    """Send one command and print its reply as redis-cli does where no terminal is."""
    if len(arguments) < 3 or arguments[0] != "-u":
        raise SystemExit("redis-cli: write `redis-cli -u URL COMMAND…`")
    with redis.Redis.from_url(arguments[1]) as client:
        # Raw replies: redis-py would make dictionaries of some.
        client.response_callbacks.clear()
        try:
            reply = client.execute_command(*arguments[2:])
        except redis.ConnectionError:
            if arguments[2].upper() != "SHUTDOWN":  # the only command that is never answered
                raise
            return
    sys.stdout.write("".join(f"{line}\n" for line in _lines(reply)))


def _lines(reply: Any) -> list[str]:
    if isinstance(reply, list):
        return [line for part in reply for line in _lines(part)]
    if isinstance(reply, bytes):
        return reply.decode(errors="replace").splitlines()
    return ["" if reply is None else str(reply)]


if __name__ == "__main__":
    main(sys.argv[1:])
