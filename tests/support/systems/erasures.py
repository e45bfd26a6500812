"""Erasures in a system of which every part is in this process."""

from tests.support.store.stores import PRODUCTION, clock_ms, raw, token
from tests.support.systems.imports import Imports
from tests.support.systems.searching import find_key
from worker.options.exports import ExportOptions
from worker.store import ExportRequest, ListRef, admit_export, workflows
from worker.store.erasures import Erasure
from worker.tasks.chores import erase_due
from worker.tasks.work import work_on


def start_erasure(running: Imports, key: str, kind: str = "user") -> str:
    """Ask for an erasure; its id."""
    store = running.services.store
    return workflows.start_erasure(store, PRODUCTION, kind, key, token(), "ann").id


def take_turn(running: Imports, erasure_id: str) -> Erasure:
    """Take a turn at the erasure, whether or not somebody has just had one."""
    store = running.services.store
    turn = f"erase:{PRODUCTION.project}:{PRODUCTION.environment}:{erasure_id}"
    raw(store).unlink(store.keyspace.turn(turn))
    erase_due(running.services)
    return store.erasures.get(PRODUCTION, erasure_id)


def erase(running: Imports, key: str, kind: str = "user") -> Erasure:
    """Erase a key that no job at work has."""
    erasure = take_turn(running, start_erasure(running, key, kind))
    assert erasure.state == "complete", erasure
    return erasure


def run_export(running: Imports, ref: ListRef, options: ExportOptions) -> str:
    """Export a list; the id of the export."""
    request = ExportRequest(token(), ref, clock_ms(), options)
    admit_export(running.services.store, request)
    while work_on(running.services, request.ref):
        pass
    assert running.services.store.jobs.get(request.ref).status == "complete"
    return request.export_id


def places_of(running: Imports, key: str) -> list[str]:
    """Where a key is in the store or in the bucket, in any form that is written."""
    return find_key(key, running.services.store, running.services.objects)
