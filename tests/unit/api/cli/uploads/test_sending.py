"""Parts are sent several at a time, again after a pause, and not for ever."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from typing import cast

import pytest

from api.cli.errors import CommandError, UnreachableError
from api.cli.uploads.bucket import Bucket, UploadGone, UrlRefused
from api.cli.uploads.meter import Meter
from api.cli.uploads.sending import THREADS, Part, PartSender
from api.cli.uploads.urls import PartUrls
from api.progress.display import ProgressDisplay

_PAUSES_S = (0.0, 0.0)


@dataclass
class _Bucket:
    """Fails as it is told, one error a try, and keeps what it was sent."""

    errors: list[CommandError] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, url: str, content: bytes, on_sent: Callable[[int], None]) -> None:
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            error = self.errors.pop() if self.errors else None
        on_sent(len(content))
        with self.lock:
            self.at_once -= 1
            if error is not None:
                raise error
            self.sent.append((url, content))


@dataclass
class _Urls:
    forgotten: list[int] = field(default_factory=list)

    def get(self, number: int, size_bytes: int) -> str:
        return f"{number}:{size_bytes}:{self.forgotten.count(number)}"

    def forget(self, number: int) -> None:
        self.forgotten.append(number)


def _meter() -> Meter:
    return Meter(ProgressDisplay(stream=StringIO()), None)


def _send(bucket: _Bucket, urls: _Urls, meter: Meter, parts: Iterable[Part]) -> None:
    sender = PartSender(cast("Bucket", bucket), cast("PartUrls", urls), meter, _PAUSES_S)
    sender.send_all(parts)


def _parts(count: int) -> list[Part]:
    return [Part(number, partial(bytes, number)) for number in range(1, count + 1)]


def test_parts__that_nothing_hinders__are_sent_a_few_at_a_time() -> None:
    bucket, meter = _Bucket(), _meter()

    _send(bucket, _Urls(), meter, _parts(30))

    assert sorted(bucket.sent, key=lambda sent: len(sent[1])) == [
        (f"{number}:{number}:0", bytes(number)) for number in range(1, 31)
    ]
    assert bucket.most <= THREADS
    assert meter.done_bytes == sum(range(31))


@pytest.mark.parametrize("error", [UnreachableError("slow"), UrlRefused("expired")])
def test_part__that_fails_for_a_while__is_sent_again_to_another_url(error: CommandError) -> None:
    bucket, meter = _Bucket([error, error]), _meter()

    _send(bucket, _Urls(), meter, [Part(1, partial(bytes, 9))])

    assert bucket.sent == [("1:9:2", bytes(9))]
    assert meter.done_bytes == 9  # what was lost is not counted


@pytest.mark.parametrize(
    ("error", "tries", "kind", "said"),
    [
        (UnreachableError("slow"), 3, UnreachableError, "part 1 could not be sent: slow"),
        (UrlRefused("wrong clock"), 3, CommandError, "part 1 could not be sent: wrong clock"),
        (UploadGone("lost"), 1, CommandError, "lost: it was deleted meanwhile"),
        (CommandError("too small"), 1, CommandError, "too small"),
    ],
)
def test_part__that_goes_on_failing__ends_it(
    error: CommandError, tries: int, kind: type[CommandError], said: str
) -> None:
    bucket = _Bucket([error] * 5)

    with pytest.raises(kind, match=said):
        _send(bucket, _Urls(), _meter(), [Part(1, partial(bytes, 9))])

    assert len(bucket.errors) == 5 - tries


def test_parts__whose_source_fails__are_not_waited_for() -> None:
    def broken() -> Iterable[Part]:
        yield Part(1, partial(bytes, 1))
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        _send(_Bucket(), _Urls(), _meter(), broken())
