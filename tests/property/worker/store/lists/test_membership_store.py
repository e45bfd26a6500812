"""Any order of steps on a list leaves the answers, the counts and *unknown* right."""

from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.worker.store.lists.import_machine import UNIVERSE
from tests.property.worker.store.lists.polling_reader import PollingReader
from tests.property.worker.store.lists.store_machine import StoreMachine
from tests.support.servers.redis import Server
from tests.support.store.stores import opened
from worker.store import Store

_CHECKS: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def _run(store: Store, *, examples: int, steps: int) -> int:
    """Run the machine with a reader beside it; give how often it polled."""
    reader = PollingReader(store, UNIVERSE)
    bound = type("BoundMachine", (StoreMachine,), {"store": store, "reader": reader})
    with reader:
        run_state_machine_as_test(
            bound,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=_CHECKS,
            ),
        )
    assert not reader.wrong, reader.wrong[0]
    return reader.polls


def test_store__any_order_of_steps_on_a_server__agrees_with_plain_sets(
    valkey_server: Server,
) -> None:
    with opened(valkey_server) as store:
        assert _run(store, examples=18, steps=40) > 100


@pytest.mark.parametrize("steps", [25])
def test_store__any_order_of_steps_on_the_stand_in__agrees_with_plain_sets(steps: int) -> None:
    with opened(None) as store:
        assert _run(store, examples=3, steps=steps) > 0
