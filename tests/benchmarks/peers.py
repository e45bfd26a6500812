"""What one would write without bigseg: the naive peers, at their best.

Each is given more than it would have in earnest: the list lies on the local disk instead of
in S3, nothing is validated or counted, and readers see the list half loaded.
"""

import csv
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import hiredis
import numpy as np
import redis

from tests.benchmarks.lists import ListFile
from worker.batches import batches

#: The plain set that holds the whole list.
SET_NAME = "peer"
#: Peers have a database of their own, so that emptying it leaves the product alone.
DATABASE = 1

_BLOCK_ROWS = 100_000
_SADD_KEYS = 1_000
_SADDS_PER_PIPELINE = 10
_DUMPS_A_BLOCK = 64
_REPLY_BYTES = len(b":1\r\n")


def encode_sadds(file: ListFile) -> list[bytes]:
    """One ``SADD`` a row, as ``redis-cli --pipe`` would be fed; rows of one length only."""
    data = np.fromfile(file.path, np.uint8)
    keys = data.reshape(file.rows, -1)[:, :-1]
    width = keys.shape[1]
    head = f"*3\r\n$4\r\nSADD\r\n${len(SET_NAME)}\r\n{SET_NAME}\r\n${width}\r\n".encode()
    mould = np.frombuffer(head + bytes(width) + b"\r\n", np.uint8)
    blocks = []
    for at in range(0, file.rows, _BLOCK_ROWS):
        part = keys[at : at + _BLOCK_ROWS]
        commands = np.tile(mould, (len(part), 1))
        commands[:, len(head) : len(head) + width] = part
        blocks.append(commands.tobytes())
    return blocks


def pipe(port: int, blocks: Sequence[bytes], rows: int) -> float:
    """Send encoded commands down one socket, read the replies beside it; seconds."""
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"SELECT %d\r\n" % DATABASE)
        stream.recv(64)
        started = time.perf_counter()
        sender = threading.Thread(target=_send, args=(stream, blocks))
        sender.start()
        left = rows * _REPLY_BYTES
        while left > 0:
            received = len(stream.recv(1 << 20))
            if received == 0:
                raise ConnectionError("the server closed the connection")
            left -= received
        sender.join()
        return time.perf_counter() - started


def _send(stream: socket.socket, blocks: Sequence[bytes]) -> None:
    for block in blocks:
        stream.sendall(block)


def load_naively(port: int, file: ListFile) -> float:
    """The csv module, and redis-py pipelines of ``SADD`` of 1,000 keys; seconds."""
    with redis.Redis(port=port, db=DATABASE) as client, file.path.open(newline="") as lines:
        client.ping()
        started = time.perf_counter()
        pipeline = client.pipeline(transaction=False)
        for keys in _thousands(lines):
            pipeline.sadd(SET_NAME, *keys)
            if len(pipeline) == _SADDS_PER_PIPELINE:
                pipeline.execute()
        pipeline.execute()
        return time.perf_counter() - started


def _thousands(lines: Iterator[str]) -> Iterator[list[str]]:
    keys: list[str] = []
    for row in csv.reader(lines):
        keys.append(row[0])
        if len(keys) == _SADD_KEYS:
            yield keys
            keys = []
    if keys:
        yield keys


def scan(port: int) -> tuple[float, int]:
    """An ``SSCAN`` loop of redis-py that drops what it reads; seconds and keys seen."""
    with redis.Redis(port=port, db=DATABASE) as client:
        client.ping()
        started = time.perf_counter()
        cursor, seen = 0, 0
        while True:
            cursor, keys = client.sscan(SET_NAME, cursor, count=_SADD_KEYS)
            seen += len(keys)
            if cursor == 0:
                return time.perf_counter() - started, seen


def dump(port: int, names: Sequence[str]) -> float:
    """Pipelined ``DUMP`` of shards over one socket, the payloads thrown away; seconds."""
    commands = [b"*2\r\n$4\r\nDUMP\r\n$%d\r\n%b\r\n" % (len(n), n) for n in map(str.encode, names)]
    blocks = [b"".join(block) for block in batches(commands, _DUMPS_A_BLOCK)]
    reader, left = hiredis.Reader(), len(names)
    with socket.create_connection(("127.0.0.1", port)) as stream:
        started = time.perf_counter()
        sender = threading.Thread(target=_send, args=(stream, blocks))
        sender.start()
        while left > 0:
            received = stream.recv(1 << 20)
            if not received:
                raise ConnectionError("the server closed the connection")
            reader.feed(received)
            while (reply := reader.gets()) is not False:
                if not isinstance(reply, bytes):
                    raise ConnectionError(f"the server answered {reply!r}")
                left -= 1
        sender.join()
        return time.perf_counter() - started


def flush(port: int) -> None:
    """Empty the peers' database."""
    with redis.Redis(port=port, db=DATABASE) as client:
        client.flushdb()
