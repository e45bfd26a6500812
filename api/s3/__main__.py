"""Runs the S3 stand-in: ``python -m api.s3 --port PORT --folder FOLDER``."""

import argparse
import logging
import signal
import threading
from pathlib import Path

from api.s3.server import ObjectServer
from api.s3.stand_in import StandIn
from worker.logs import configure_logs

logger = logging.getLogger("bigseg.s3")


def main() -> None:
    """Serve a folder until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m api.s3")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    configure_logs()
    try:
        stand_in = StandIn.open(options.folder)
        server = ObjectServer(stand_in, options.port)
    except OSError as exc:
        where = f"{options.folder} on port {options.port}"
        raise SystemExit(f"cannot serve {where}: {exc.strerror}") from exc
    for lost in stand_in.tidy():
        logger.warning("object.lost", extra={"object": lost})
    with server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # Not in the handler: it runs in the thread that the shutdown waits for.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
    stand_in.catalogue.close()


if __name__ == "__main__":
    main()
