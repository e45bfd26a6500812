"""The load generator wrk, where it is installed."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import Load

_SCRIPT = """
local requests = {{}}
for key in io.lines({keys}) do
  requests[#requests + 1] = wrk.format("GET", {prefix} .. key, {headers})
end
local at = 0
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_PERCENTILE = r"{}%\s+([\d.]+)(us|ms|s)"
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*")


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second of a closed loop, and the middle and the tail of their latency in ms."""

    requests_s: float
    p50_ms: float
    p99_ms: float


def run(load: Load) -> Rate:
    """Run a closed loop.

    Raises:
        RuntimeError: requests failed.
    """
    script = Path(load.keys).with_suffix(".lua")
    prefix = f"/api/v2/segments/default/production/{load.segment}/contexts/"
    headers = f'{{["Authorization"] = "{load.token}"}}' if load.token else "{}"
    script.write_text(_SCRIPT.format(keys=f'"{load.keys}"', prefix=f'"{prefix}"', headers=headers))
    options = ("-t1", f"-c{load.connections}", f"-d{max(1, round(load.seconds))}s", "--latency")
    command = ("wrk", *options, "-s", str(script), f"http://127.0.0.1:{load.port}")
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    rate = _RATE.search(text)
    if rate is None or _FAILED.search(text):
        raise RuntimeError(f"wrk: {text}")
    return Rate(float(rate[1]), _percentile(text, 50), _percentile(text, 99))


def _percentile(text: str, share: int) -> float:
    found = re.search(_PERCENTILE.format(share), text)
    if found is None:
        raise RuntimeError(f"wrk: {text}")
    return float(found[1]) * _MS[found[2]]
