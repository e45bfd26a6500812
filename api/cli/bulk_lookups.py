"""Looks up a file of context keys of any size in one or several segments, some thousand at a time.

Memory: two calls with their keys and answers, whatever the size of the file.
"""

import csv
import io
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from api.cli.arguments.context_keys import BadKey
from api.cli.arguments.key_files import KeyFile
from api.cli.connection.connection import Connection
from api.cli.connection.refusals import not_bigseg
from api.progress.display import ProgressDisplay
from api.progress.line import Progress

ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
#: Answers of one call; a server gives 100,000.
_MOST_ANSWERS: Final = 50_000
#: Bytes of the keys of one call; a server takes bodies of 5 MiB unless it is told otherwise.
_MOST_BYTES: Final = 1024 * 1024
#: Calls at a time: one is answered while the other is read.
_AT_ONCE: Final = 2
#: Asked for when a file has no key, so that a segment which is not there is noticed.
_ANY_KEY: Final = "any"
#: Bad keys that are named; in a file that holds no keys, all are bad.
_NAMED: Final = 20

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers about some keys."""

    keys: Sequence[str]
    words: Sequence[Sequence[str]]
    """Of each segment, for each key: ``included``, ``excluded`` or ``unknown``."""
    revisions: Sequence[str]
    """Of each segment, the number of the one that they are of."""


def note_revisions(
    segments: Sequence[str], found: Iterable[Answers], note: Write
) -> Iterator[Answers]:
    """Pass answers on, and say from which key on they are of another revision of a segment."""
    before: Sequence[str] = ()
    for answers in found:
        for segment, old, new in zip(segments, before, answers.revisions, strict=False):
            if old != new:
                note(
                    f"segment {segment}: another revision was published meanwhile; answers "
                    f"from {ascii(answers.keys[0])[:80]} on are of revision {new}, not {old}"
                )
        before = answers.revisions
        yield answers


class BadKeys:
    """Counts keys that are not valid, and names the first few."""

    def __init__(self, note: Write) -> None:
        self._note = note
        self.count = 0

    def add(self, key: BadKey) -> None:
        """Count one."""
        self.count += 1
        if self.count <= _NAMED:
            self._note(f"bigseg: {key}")

    def close(self) -> None:
        """Say how many more there were."""
        if self.count > _NAMED:
            self._note(f"bigseg: {self.count - _NAMED:,} more keys cannot be one")


def look_up_file(
    connection: Connection,
    path: str,
    segments: Sequence[str],
    file: KeyFile,
    bad_keys: BadKeys,
    display: ProgressDisplay,
) -> Iterator[Answers]:
    """Look up every key of a file, in order; bad ones are left out.

    Args:
        connection: to the API.
        path: of the bulk look-up.
        segments: their keys.
        file: the keys.
        bad_keys: told of the others.
        display: shows how far it is.

    Raises:
        CommandError: the API did not answer or refused, or the file cannot be read.
    """

    def ask(keys: Sequence[str]) -> Answers:
        body = {"segments": segments, "contexts": keys}
        return _read(connection, connection.query_bytes(path, body, accept=ARROW_STREAM), keys)

    started_s, rows = time.monotonic(), 0
    waiting: deque[Future[Answers]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for keys in chain(_batches(file.keys(), bad_keys, _MOST_ANSWERS // len(segments)), [None]):
            if keys is not None:
                waiting.append(pool.submit(ask, keys))
            while waiting and (keys is None or len(waiting) > _AT_ONCE):
                answers = waiting.popleft().result()
                rows += len(answers.keys)
                yield answers
                display.show(_progress(file, rows, time.monotonic() - started_s))
    if not rows:
        ask([_ANY_KEY])


def write_csv(segments: Sequence[str], found: Iterable[Answers], write: Write) -> None:
    """Write a row for each key: the key, and the answer of each segment.

    Read again as CSV, each key is exactly what it was.
    """
    write(_csv([("context", *segments)]))
    for answers in found:
        write(_csv(zip(answers.keys, *answers.words, strict=True)))


def write_json(found: Iterable[Answers], write: Write) -> None:
    """Write a JSON array of each key and the answer of one segment."""
    write("[")
    between = ""
    for answers in found:
        items = map(_item, answers.keys, answers.words[0])
        write(between + ", ".join(items))
        between = ", "
    write("]\n")


def _item(key: str, word: str) -> str:
    return json.dumps({"context": key, "answer": word}, ensure_ascii=False)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _batches(keys: Iterable[str | BadKey], bad_keys: BadKeys, most: int) -> Iterator[Sequence[str]]:
    batch: list[str] = []
    size = 0
    for key in keys:
        if isinstance(key, BadKey):
            bad_keys.add(key)
            continue
        batch.append(key)
        # As JSON writes it: six bytes for a character that is not ASCII, or twelve.
        size += len(key) + 4 if key.isascii() else 12 * len(key)
        if len(batch) >= most or size >= _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(connection: Connection, body: bytes, keys: Sequence[str]) -> Answers:
    import pyarrow as pa  # noqa: PLC0415 - slow, and other commands do not need it

    try:
        table = pa.ipc.open_stream(body).read_all()
    except pa.ArrowInvalid as exc:
        raise not_bigseg(connection.url, "no Arrow stream") from exc
    if table.num_rows != len(keys):
        raise not_bigseg(connection.url, f"{table.num_rows:,} answers to {len(keys):,} questions")
    facts = [field.metadata or {} for field in table.schema][1:]
    revisions = [each.get(b"revision", b"").decode() for each in facts]
    return Answers(keys, [_words(column) for column in table.columns[1:]], revisions)


def _words(column: Any) -> list[str]:  # noqa: ANN401 - pyarrow is imported when it is needed
    words: list[str] = []
    for chunk in column.chunks:
        names = chunk.dictionary.to_pylist()
        words += [names[code] for code in chunk.indices.to_numpy().tolist()]
    return words


def _progress(file: KeyFile, rows: int, seconds: float) -> Progress:
    done, total = file.read_bytes, file.size_bytes
    percent = min(99.0, 100 * done / total) if total else None
    rate = rows / seconds if seconds else 0.0
    return Progress("looking up", percent, rows, rate, done_bytes=done, total_bytes=total)
