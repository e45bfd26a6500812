"""When a process that ended by itself is started again, and what is said of its end."""

from api.serving.restarts import Backoff, describe_end


def test_pauses__of_a_process_that_keeps_ending__grow_to_a_bound_and_never_stop() -> None:
    backoff = Backoff()

    assert [backoff.next_s(0, 0.2) for _ in range(5)] == [0, 0.5, 1, 2, 4]
    assert [backoff.next_s(0, 0.2) for _ in range(5)] == [8, 16, 30, 30, 30]
    assert backoff.next_s(1, 0.2) == 0


def test_pauses__of_a_process_that_ended_thousands_of_times__stay_at_the_bound() -> None:
    backoff = Backoff()

    assert [backoff.next_s(0, 0.2) for _ in range(3_000)][-1] == 30


def test_pauses__of_a_process_that_ran_for_a_minute__begin_again() -> None:
    backoff = Backoff()
    for _ in range(6):
        backoff.next_s(0, 1)

    assert [backoff.next_s(0, ran_s) for ran_s in (61, 1, 1)] == [0, 0.5, 1]


def test_end__is_described_by_status_or_signal() -> None:
    assert describe_end(3) == "ended with status 3"
    assert describe_end(-9) == "was killed by SIGKILL"
    assert describe_end(-250) == "was killed by signal 250"
