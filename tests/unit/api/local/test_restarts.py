"""When a process of a local system is started again."""

from api.local.processes.supervisor import Restarts


def test_restarts__process_that_keeps_ending__is_given_up_after_longer_and_longer_pauses() -> None:
    restarts = Restarts()

    pauses = [restarts.pause_s("worker", 0.5) for _ in range(6)]

    assert pauses == [1, 2, 4, 8, 16, None]


def test_restarts__process_that_has_run_for_a_minute__begins_anew() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.pause_s("worker", 1)

    assert restarts.pause_s("beat", 1) == 1
    assert restarts.pause_s("worker", 61) == 1
    assert restarts.pause_s("worker", 1) == 2
