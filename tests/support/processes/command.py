"""``python -IS command.py ADDRESS SCRIPT CALLED ARGUMENTS…``: `starter` runs a script in its place.

The script has the name that it was called by, and this process's arguments, directory, environment
and standard files. It ends when this process is ended, which ends with the script's status, and
imports nothing that takes time.
"""

import os
import socket
import sys


def main(address: str, script: str, called: str, *arguments: str) -> int:
    """Order a program, and give its exit status as a shell does."""
    order = {
        "script": script,
        "called": called,
        "arguments": arguments,
        "environment": dict(os.environ),
        "directory": os.getcwd(),  # noqa: PTH109  # pathlib takes time to import
        "new_session": False,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as starter:
        starter.connect(address)
        socket.send_fds(starter, [repr(order).encode()], [0, 1, 2])
        _pid, status = starter.recv(32), starter.recv(32)
    assert status, "what starts programs has ended"
    code = int(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
