"""Whatever ends a job, its record is kept as long as the setting says."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from tests.support.store.stores import PRODUCTION, new_list, opened, raw
from worker.store import (
    ImportRequest,
    ListRef,
    Store,
    admit_import,
    delete_environment,
    remove_segment,
)

_RETENTION_S = 1_234


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield dataclasses.replace(store, job_retention_s=_RETENTION_S)


def _request(ref: ListRef, import_id: str) -> ImportRequest:
    return ImportRequest(import_id, ref, "replace", (), allow_empty=True, created_ms=0, waits=True)


def _remove_segment(store: Store, ref: ListRef) -> None:
    remove_segment(store, PRODUCTION, ref.segment)


def _delete_environment(store: Store, _ref: ListRef) -> None:
    delete_environment(store, PRODUCTION)


def _admit_another(store: Store, ref: ListRef) -> None:
    admit_import(store, _request(ref, "i2"))


@pytest.mark.parametrize("end", [_remove_segment, _delete_environment, _admit_another])
def test_record__of_an_import_that_was_stopped__is_kept_as_set(
    store: Store, end: Callable[[Store, ListRef], None]
) -> None:
    ref = new_list(store)
    request = _request(ref, "i1")
    admit_import(store, request)

    end(store, ref)

    assert store.jobs.get(request.ref).status == "stopped"
    key = store.keyspace.job(PRODUCTION, "import", "i1")
    assert raw(store).ttl(key) == _RETENTION_S


def test_record__of_an_import_whose_segment_is_gone__says_so(store: Store) -> None:
    ref = new_list(store)
    request = _request(ref, "i1")
    admit_import(store, request)

    assert remove_segment(store, PRODUCTION, ref.segment).ref == ref

    assert store.jobs.get(request.ref).reason == "segment deleted"
