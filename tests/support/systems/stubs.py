"""Stand-ins for bigseg's own processes, where a test is about how processes are kept.

Run as a program it is a `bigseg up` with these services: it prints the same JSON lines.
"""

import argparse
import sys
from pathlib import Path

from api.cli import local_system
from api.local import LocalOptions
from api.local.commands import ServiceOptions
from api.local.processes.supervisor import ChildSpec

# Ends when it is told to, and then again at each start.
_MORTAL = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
sys.exit(3)
"""
# Ends only when it is killed, and has a child of its own that does the same.
_STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("stubborn", flush=True)
time.sleep(600)
"""
_READY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


def quick_services(options: ServiceOptions) -> tuple[ChildSpec, ...]:
    """A worker that ends once a file ``end-worker`` is there, and an API that is always ready."""
    end = options.beat_schedule.with_name("end-worker")
    return (_python("worker", options, _MORTAL, str(end), restarts=True), _ready_api(options))


def stubborn_services(options: ServiceOptions) -> tuple[ChildSpec, ...]:
    """As `quick_services`, with a worker that ignores SIGTERM."""
    return (_python("worker", options, _STUBBORN, grace_s=60), _ready_api(options))


def _ready_api(options: ServiceOptions) -> ChildSpec:
    return _python("api", options, _READY, options.host, str(options.port))


def _python(
    name: str,
    options: ServiceOptions,
    code: str,
    *arguments: str,
    grace_s: float = 10,
    restarts: bool = False,
) -> ChildSpec:
    argv = (sys.executable, "-c", code, *arguments)
    return ChildSpec(name, argv, options.environment, Path("/"), grace_s, restarts=restarts)


def main() -> None:
    """Run the stand-ins under the real supervisor until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--redis-port", type=int)
    parser.add_argument("--s3-port", type=int)
    parser.add_argument("--stubborn", action="store_true")
    given = parser.parse_args()
    options = LocalOptions(
        data_dir=given.data_dir,
        port=given.port,
        redis_port=given.redis_port,
        s3_port=given.s3_port,
        services=stubborn_services if given.stubborn else quick_services,
        first_restart_s=0.05,
    )
    local_system.run(options, as_json=True)


if __name__ == "__main__":
    main()
