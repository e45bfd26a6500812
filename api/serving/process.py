"""``python -m api.serving.process``: one of the processes that a supervisor starts."""

import os
import signal
import socket
import sys
import threading

from api.metrics.tally import Tally
from api.serving.options import parse_process
from api.serving.server import serve


def main() -> None:
    """Serve on the inherited socket until a signal, or until the supervisor has ended."""
    inherited, tls = parse_process(sys.argv[1:])
    threading.Thread(target=_end_with, args=(inherited.lifeline,), daemon=True).start()
    tally = Tally.shared(inherited.tally, inherited.place)
    with socket.socket(fileno=inherited.socket) as listening:
        serve(listening, tls, tally)


def _end_with(lifeline: int) -> None:
    """Wait for the end of the pipe, then end this process as a signal would."""
    # Else it would keep the port, and a new supervisor could not listen.
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
