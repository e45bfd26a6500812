"""What a process counted has arrived when it has closed its store."""

import threading
from collections.abc import Mapping
from typing import cast

from worker.store.monitoring import LEASES_LOST, Counting, CountSender, MonitoringStore


class _SlowBoard:
    """Takes a batch only when it may."""

    def __init__(self) -> None:
        self.asked, self.may = threading.Event(), threading.Event()
        self.counts: dict[str, int] = {}

    def count(self, _process: str, _number: int, counts: Mapping[str, int]) -> bool:
        self.asked.set()
        assert self.may.wait(60)
        self.counts.update(counts)
        return True


def test_close__while_a_batch_is_being_sent__waits_for_it() -> None:
    counting, board = Counting(), _SlowBoard()
    sender = CountSender(counting, cast("MonitoringStore", board), "process", every_s=0.0)
    counting.add(LEASES_LOST, "plan")
    assert board.asked.wait(60)

    closing = threading.Thread(target=sender.close)
    closing.start()
    closing.join(0.05)
    waited = closing.is_alive()
    board.may.set()
    closing.join(60)

    assert waited
    assert board.counts == {"leases_lost:plan": 1}
