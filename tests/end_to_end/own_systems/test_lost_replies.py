"""What was done and not heard of: the worker loses replies of the store."""

import random
from collections.abc import Iterator

import pytest

from tests.support.proxies.cutting import CuttingProxy, Rule, running_cutting_proxy
from tests.support.servers.objects import ObjectServer
from tests.support.servers.ports import free_port
from tests.support.store.jobs import jobs_of
from tests.support.systems.driving import assert_nothing_left, csv_of, new_segment, random_keys
from tests.support.systems.system import System, running_system
from worker.store.server.scripts import ScriptName

KEYS = random_keys(8_000, 4)
#: Scripts that a worker runs on the way of an import; a lost reply costs a list of one
#: chunk a whole try, with a longer pause each time.
OF_MANY_CHUNKS: tuple[ScriptName, ...] = (
    *("job/take", "list/claim", "job/put_field", "job/finish", "job/advance", "list/prepare"),
    *("list/count_shards", "list/seal", "list/publish", "job/end"),
)
#: A window of whole shards, which goes without a script; lost as often as a step above.
_WINDOW = b"MULTI\r\n*5\r\n$7\r\nRESTORE"
OF_ONE_CHUNK: tuple[ScriptName, ...] = ("list/seal", "list/publish", "job/end")


@pytest.fixture(scope="module")
def proxy() -> Iterator[CuttingProxy]:
    with running_cutting_proxy(free_port()) as running:
        yield running


@pytest.fixture(scope="module")
def system(s3_server: ObjectServer, proxy: CuttingProxy) -> Iterator[System]:
    settings = {"BIGSEG_LEASE_S": "1.5", "BIGSEG_SWEEP_S": "0.2", "BIGSEG_UNIT_TRIES": "20"}
    with running_system(
        s3_server,
        port=proxy.upstream_port,
        settings=settings,
        worker_settings={"BIGSEG_REDIS_URL": proxy.url},
    ) as running:
        yield running


def _import_under(system: System, proxy: CuttingProxy, rule: Rule, count: int) -> int:
    """Import three times while replies get lost; how many were."""
    segment, before = new_segment(system), proxy.cuts
    old, new = KEYS[: count // 2], KEYS[count // 4 : count]
    proxy.rule = rule
    try:
        first = segment.completed(segment.upload(csv_of(old)))
        second = segment.completed(segment.upload(csv_of([*new, "", new[0]]), "replace"))
        third = segment.completed(segment.upload(csv_of([*new[:9], "stranger"]), "remove"))
    finally:
        proxy.rule = lambda _request, _reply: False
    assert (first["accepted"], first["membersAfter"]) == (len(old), len(old))
    assert (second["rowsRead"], second["accepted"]) == (len(new) + 2, len(new))
    assert second["removed"] == len(set(old) - set(new))
    assert (third["removed"], third["unmatched"]) == (9, 1)
    assert segment.counted() == len(new) - 9
    assert segment.members() == set(new[9:])
    segment.delete()
    assert_nothing_left(system)
    return proxy.cuts - before


@pytest.mark.parametrize(
    ("count", "steps"),
    [(400, OF_ONE_CHUNK), (len(KEYS), OF_MANY_CHUNKS)],
    ids=["one chunk", "several chunks"],
)
def test_reply_of_each_step__lost_once__imports_are_exact(
    system: System, proxy: CuttingProxy, count: int, steps: tuple[ScriptName, ...]
) -> None:
    left = {system.store.database.scripts.get(step).sha.encode() for step in steps}
    left.add(_WINDOW)

    def once(request: bytes, _reply: bytes) -> bool:
        found = next((sha for sha in left if sha in request), None)
        left.discard(found or b"")
        return found is not None

    assert _import_under(system, proxy, once, count) == len(steps) + 1


def test_reply_to_the_last_unit_of_each_stage__lost__next_stage_opens(
    system: System, proxy: CuttingProxy
) -> None:
    sha = system.store.database.scripts.get("job/finish").sha.encode()
    lost = _import_under(
        system, proxy, lambda request, reply: sha in request and reply == b":0\r\n", len(KEYS)
    )
    assert lost == 4, "scatter and gather of two imports"


def test_cancel__while_it_is_published__is_in_time_before_the_flip(
    system: System, proxy: CuttingProxy
) -> None:
    """The worker hears that its build is sealed only once the import is cancelled."""
    segment, old = new_segment(system), KEYS[:50]
    assert segment.edit(add=old).is_success
    sha = system.store.database.scripts.get("list/seal").sha.encode()
    replies: list[int] = []

    def cancel(request: bytes, _reply: bytes) -> bool:
        if sha in request and not replies:
            (job,) = jobs_of(system.store, segment.ref.segment)
            path = f"{segment.path}/imports/{job.request.ref.job_id}"
            replies.append(system.http.delete(path).status_code)
        return False

    proxy.rule = cancel
    try:
        reason = segment.stopped(segment.upload(csv_of(KEYS[50:400]), "replace"))
    finally:
        proxy.rule = lambda _request, _reply: False

    assert replies == [200]
    assert reason == "cancelled by admin token"
    assert segment.members() == set(old)
    assert_nothing_left(system, segment)
    segment.delete()


def test_replies__lost_at_random__imports_are_exact(system: System, proxy: CuttingProxy) -> None:
    source = random.Random(7)
    lost = _import_under(system, proxy, lambda *_: source.random() < 0.02, len(KEYS))
    assert lost > 3
