"""What the signals of a local system's parent do."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.local.errors import StopRequestedError
from api.local.processes.stop_signals import StopSignals


@contextmanager
def _hangup_handled_by(handler: signal.Handlers) -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def test_hangup__default_at_first__is_raised_and_named() -> None:
    signals = StopSignals()
    with (
        _hangup_handled_by(signal.SIG_DFL),
        signals.installed(),
        pytest.raises(StopRequestedError),
    ):
        os.kill(os.getpid(), signal.SIGHUP)
    assert signals.requested == "SIGHUP"


def test_hangup__ignored_at_first__stays_ignored() -> None:
    signals = StopSignals()
    with _hangup_handled_by(signal.SIG_IGN), signals.installed():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signals.requested is None


def test_second_signal__after_the_first__forces() -> None:
    signals = StopSignals()
    with _hangup_handled_by(signal.SIG_DFL), signals.installed():
        with pytest.raises(StopRequestedError):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not signals.forced()
        os.kill(os.getpid(), signal.SIGHUP)
    assert signals.forced()
