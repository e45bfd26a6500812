"""The suite is itself tested: a script broken on purpose must make a named test fail."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.conformance.faults.builds import OF_BUILDS
from tests.conformance.faults.erasing import OF_ERASING
from tests.conformance.faults.export_schedules import OF_EXPORT_SCHEDULES
from tests.conformance.faults.fault import Fault
from tests.conformance.faults.feeds import OF_FEEDS
from tests.conformance.faults.flag_data import OF_FLAG_DATA
from tests.conformance.faults.flags import OF_FLAGS
from tests.conformance.faults.jobs import OF_JOBS
from tests.conformance.faults.lists import OF_LISTS
from tests.conformance.faults.project_segments import OF_PROJECT_SEGMENTS
from tests.conformance.faults.resources import OF_RESOURCES
from tests.conformance.faults.revisions import OF_REVISIONS
from tests.conformance.faults.sdk_log import OF_SDK_LOG
from tests.conformance.faults.sdk_store import OF_SDK_STORE
from tests.conformance.faults.snapshots import OF_SNAPSHOTS
from tests.conformance.faults.webhooks import OF_WEBHOOKS
from tests.support.store.stores import StoreName, mutated, new_list, opened_in, script_names
from worker.store import Store
from worker.store.server.database import Database

FAULTS: Final = (
    *OF_LISTS,
    *OF_BUILDS,
    *OF_REVISIONS,
    *OF_ERASING,
    *OF_SNAPSHOTS,
    *OF_FEEDS,
    *OF_RESOURCES,
    *OF_PROJECT_SEGMENTS,
    *OF_FLAG_DATA,
    *OF_FLAGS,
    *OF_JOBS,
    *OF_EXPORT_SCHEDULES,
    *OF_SDK_STORE,
    *OF_WEBHOOKS,
    *OF_SDK_LOG,
)


@pytest.fixture
def sound(database_of: Callable[[StoreName], Database]) -> Iterator[Store]:
    with opened_in(database_of("valkey")) as store:
        yield store


def _run(fault: Fault, store: Store, sound: Store) -> None:
    lists = {"ref": new_list(sound)} if fault.own_list else {}
    fault.test(store=store, **lists, **fault.options)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_suite__broken_script__is_found(sound: Store, fault: Fault) -> None:
    broken = mutated(sound, fault.script, lambda text: text.replace(fault.old, fault.new))
    with pytest.raises((Exception, pytest.fail.Exception)):
        _run(fault, broken, sound)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_suite__sound_script__passes(sound: Store, fault: Fault) -> None:
    _run(fault, sound, sound)


def test_faults__every_script__is_broken_somehow() -> None:
    assert {fault.script for fault in FAULTS} == script_names()
