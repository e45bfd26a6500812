"""The peer of gather: one process that sends payloads it has already built, and does no more.

The process is started with the list, answers with a line once all commands are encoded, sends
them at the next line of standard input, without waiting for replies in between, and prints how
long it took from the first byte to the last reply.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from tests.benchmarks.lists import ListFile
from tests.benchmarks.peers import DATABASE
from worker.batches import batches
from worker.byte_columns import fixed_size_column, take
from worker.store.lists import bits_for
from worker.store.members import build_payloads, hash_members, pack_keys

_COMMAND = (sys.executable, "-m", "tests.benchmarks.restores")
_WINDOW = 32
_OK = b"+OK\r\n"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it."""

    seconds: float
    shards: int
    payload_bytes: int


class Ready:
    """A process that has all commands encoded."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(self) -> Restored:
        """Have it send them; what came of it."""
        answer = _ask(self._process, "send")
        return Restored(**json.loads(answer))


@contextmanager
def restore(file: ListFile, port: int) -> Iterator[Ready]:
    """Start a process for a list of keys of one length; it is ready in the block."""
    process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        given = {"path": str(file.path), "rows": file.rows, "port": port}
        _ask(process, json.dumps(given))
        yield Ready(process)
    finally:
        process.kill()
        process.communicate()


def encode(path: str, rows: int) -> tuple[list[bytes], int]:
    """One ``RESTORE`` a shard, in windows of 32; and how many bytes the payloads have."""
    data = np.fromfile(path, np.uint8).reshape(rows, -1)[:, :-1]
    packed = pack_keys(fixed_size_column(np.ascontiguousarray(data)))
    hashes = hash_members(packed)
    order = np.argsort(hashes)
    bits = bits_for(rows)
    payloads = build_payloads(
        take(packed, order), hashes[order], bits=bits, first_shard=0, shard_count=1 << bits
    )
    commands = [_encode(number, payload) for number, payload in enumerate(payloads)]
    windows = [b"".join(window) for window in batches(commands, _WINDOW)]
    return windows, sum(map(len, payloads))


def send(port: int, windows: Sequence[bytes], shards: int) -> float:
    """Send all of them down one socket, read the replies beside it; seconds.

    Raises:
        ConnectionError: the server refused a payload, or closed the connection.
    """
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"SELECT %d\r\n" % DATABASE)
        stream.recv(64)
        started = time.perf_counter()
        sender = threading.Thread(target=_send_all, args=(stream, windows))
        sender.start()
        left = shards * len(_OK)
        while left > 0:
            received = stream.recv(1 << 16)
            if not received or b"-" in received:
                raise ConnectionError(f"the server answered {received[:100]!r}")
            left -= len(received)
        sender.join()
        return time.perf_counter() - started


def _send_all(stream: socket.socket, windows: Sequence[bytes]) -> None:
    for window in windows:
        stream.sendall(window)


def _encode(number: int, payload: bytes) -> bytes:
    key = b"restored:%06x" % number
    head = b"*4\r\n$7\r\nRESTORE\r\n$%d\r\n%b\r\n$1\r\n0\r\n$%d\r\n" % (len(key), key, len(payload))
    return head + payload + b"\r\n"


def _ask(process: "subprocess.Popen[str]", line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("the peer of gather ended")
    return answer


def main() -> None:
    """Do what standard input says."""
    given = json.loads(sys.stdin.readline())
    windows, size = encode(given["path"], given["rows"])
    shards = 1 << bits_for(given["rows"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    restored = Restored(send(given["port"], windows, shards), shards, size)
    sys.stdout.write(json.dumps(asdict(restored)) + "\n")


if __name__ == "__main__":
    main()
