"""Processes are killed at moments of imports of each kind; imports end exact all the same.

A kill meets seven imports, each of another kind and each kept at another moment, and an export.
With as many kills as there are kinds, a process meets every kind at every moment:
``--crash-matrix`` makes all of these. Without it a worker and the store are killed, each at every
moment, and each kind is met, none twice at the same moment. The deaths of other processes have
smaller tests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pytest

from tests.end_to_end.own_systems.crashes.exports import KEYS, Export
from tests.end_to_end.own_systems.crashes.kinds import (
    KINDS,
    OLD,
    PART_BYTES,
    PROBED,
    Kind,
    put_sources,
)
from tests.end_to_end.own_systems.crashes.moments import EXPORT_MOMENTS, MOMENTS, Moments
from tests.end_to_end.own_systems.crashes.processes import ANSWERING, KILLS, USUAL
from tests.end_to_end.own_systems.crashes.reader import Probe, Reader
from tests.support.proxies.cutting import running_cutting_proxy
from tests.support.servers.objects import StandIn, list_objects, running_stand_in
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until
from tests.support.store.building import members_of
from tests.support.systems.driving import (
    LIMIT_S,
    PRODUCTION,
    BigSegment,
    assert_nothing_left,
    delete_all_segments,
    new_segment,
)
from tests.support.systems.lookups import beside
from tests.support.systems.system import System, running_system
from worker.objects import rejected_prefix
from worker.store import JobRef
from worker.store.jobs import ImportRequest
from worker.store.keyspace import INCLUDED

_SETTINGS = {
    # No look-up may be refused without a reason, however busy the machine is.
    "BIGSEG_LOOKUP_TIMEOUT_S": "10",
    "BIGSEG_CHUNK_BYTES": str(24 * 1024),
    "BIGSEG_CHUNK_ROWS": "600",
    "BIGSEG_RANGE_BYTES": str(16 * 1024),
    "BIGSEG_UPLOAD_PART_BYTES": str(PART_BYTES),
    # A busy machine would keep workers waiting.
    "BIGSEG_NICENESS": "0",
    # What no import here needs as often.
    "BIGSEG_SWEEP_S": "0.5",
    "BIGSEG_INBOX_POLL_S": "60",
}
#: What is held back is to be waited for.
_WORKER_SETTINGS = {"BIGSEG_REDIS_TIMEOUT_S": "60"}
#: One for each job that is kept, and some more: an import of several chunks is kept in several.
_PROCESSES = len(MOMENTS) + 4


@dataclass(frozen=True, slots=True)
class World:
    """A system whose workers reach the store by way of what keeps imports at moments."""

    system: System
    s3: StandIn
    moments: Moments
    sources: frozenset[str]
    """Keys of the objects that imports read, which is all that the bucket holds."""

    def revive(self) -> None:
        """Let go what is kept, and start what was killed."""
        self.moments.let_go()
        if self.s3.process.poll() is not None:
            self.s3.start()
        self.system.revive()


@dataclass(frozen=True, slots=True)
class Run:
    """One import of one kind, and the moment at which a process is killed."""

    kind: Kind
    moment: str
    segment: BigSegment

    @property
    def import_id(self) -> str:
        return self.segment.imports[-1]

    @property
    def ref(self) -> JobRef:
        return JobRef("import", PRODUCTION, self.import_id)

    @property
    def waits(self) -> bool:
        return self.kind.waits or self.moment == "approval"

    def sources(self) -> list[BigSegment]:
        """The segments of which it is composed."""
        request = self.segment.state(self.import_id).request
        assert isinstance(request, ImportRequest)
        pinned = () if request.composition is None else request.composition.sources
        return [BigSegment(self.segment.system, source.ref) for source in pinned]

    def start(self) -> None:
        self.kind.start(self.segment, self.kind.mode, self.waits)

    def is_pending(self) -> bool:
        return self.segment.state(self.import_id).status == "pending_approval"

    def approve(self) -> None:
        """Wait until the import waits, and have it published."""
        wait_until(self.is_pending, f"{self.kind.name} waits for its approval", LIMIT_S)
        reply = self.segment.approve(self.import_id)
        assert reply.is_success, reply.text

    def probe(self) -> Probe:
        old, new = (
            tuple("included" if key in members else "unknown" for key in PROBED)
            for members in ({*OLD}, self.kind.members)
        )
        return Probe(self.segment.ref.segment, old, new)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take one kill for each of two processes, unless the whole matrix is asked for."""
    if metafunc.config.getoption("crash_matrix"):
        kills = [(process, shift) for process in KILLS for shift in range(len(KINDS))]
    else:
        kills = [*USUAL.items()]
    ids = [f"{process}-{shift}" for process, shift in kills]
    metafunc.parametrize(("process", "shift"), kills, ids=ids)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("s3") / "objects"
    with (
        running_stand_in(folder) as s3,
        running_cutting_proxy(free_port()) as proxy,
        running_system(
            s3,
            port=proxy.upstream_port,
            processes=_PROCESSES,
            settings=_SETTINGS,
            part_settings={"worker": _WORKER_SETTINGS | {"BIGSEG_REDIS_URL": proxy.url}},
        ) as system,
    ):
        moments = Moments(system.store)
        moments.attach(proxy)
        put_sources(system)
        sources = frozenset(one.key for one in list_objects(system.objects, ""))
        try:
            yield World(system, s3, moments, sources)
        finally:
            # Or nothing of the system would end.
            moments.let_go()
        delete_all_segments(system)
        assert_nothing_left(system)


@pytest.fixture
def runs(world: World, shift: int) -> Iterator[list[Run]]:
    """For each moment an import that is to be started, in a list that has members."""
    found = []
    for number, wanted in enumerate(MOMENTS):
        kind = KINDS[(number + shift) % len(KINDS)]
        segment = new_segment(world.system)
        assert segment.edit(add=OLD).is_success
        found.append(Run(kind, kind.instead.get(wanted, wanted), segment))
    yield found
    world.revive()
    delete_all_segments(world.system)


@pytest.fixture
def export(world: World, runs: list[Run], shift: int) -> Iterator[Export]:
    """One that is to be started, of a list of its own."""
    del runs  # its teardown deletes the segment, too
    segment = new_segment(world.system)
    assert segment.edit(add=KEYS).is_success
    in_parts, moment = divmod(shift, len(EXPORT_MOMENTS))
    export = Export(segment, bool(in_parts % 2), EXPORT_MOMENTS[moment])
    yield export
    world.revive()
    export.delete()


def test_process__killed_at_moments_of_imports__each_list_is_old_or_new_and_exact(
    world: World, runs: list[Run], export: Export, process: str
) -> None:
    system = world.system
    reader = Reader(system.url, PROBED, [run.probe() for run in runs])
    with beside(reader.ask):
        reader.wait()
        _bring_to_moments(world, runs, export)
        reader.wait()

        world.moments.let_sweep()
        start_again = KILLS[process](system, world.s3)
        world.moments.let_go()
        start_again()

        for run in runs:
            if run.waits:
                run.approve()
        reports = [run.segment.completed(run.import_id) for run in runs]
        export.wait_complete()
        reader.wait()
    reader.close()

    for run, report in zip(runs, reports, strict=True):
        assert {name: report.get(name) for name in run.kind.report} == run.kind.report
        assert reader.sees_new(run.segment.ref.segment) != run.kind.dry_run
        assert run.segment.counted() == len(run.kind.members)
        live = system.store.memberships.state(run.segment.ref).live
        assert members_of(system.store, run.segment.ref, live, INCLUDED) == run.kind.members
    assert process in ANSWERING or not reader.refused
    _assert_nothing_left(world, runs, export)


def _bring_to_moments(world: World, runs: Sequence[Run], export: Export) -> None:
    """Start the imports and the export, and wait until each is at its moment.

    Those that have the longest way begin first, so that none is kept for long.
    """
    world.moments.begin()
    ordered = sorted(runs, key=lambda run: -MOMENTS.index(run.moment))
    jobs: list[Run | Export] = [*ordered, export]
    with world.system.worker.held():
        for job in jobs:
            job.start()
            world.moments.keep(job.ref, job.moment)

    def is_there(run: Run) -> bool:
        return run.is_pending() if run.moment == "approval" else world.moments.is_at(run.ref)

    for run in runs:
        wait_until(partial(is_there, run), f"{run.kind.name} is at {run.moment}", LIMIT_S)
    at_export = partial(world.moments.is_at, export.ref)
    wait_until(at_export, f"the export is at {export.moment}", LIMIT_S)


def _assert_nothing_left(world: World, runs: Sequence[Run], export: Export) -> None:
    """Only the lists, what they were made of, what was exported, and files of rejected rows."""
    sources = (source for run in runs for source in run.sources())
    segments = (export.segment, *(run.segment for run in runs), *sources)
    assert_nothing_left(world.system, *segments)
    assert world.system.store.uploads.read_all(PRODUCTION) == []
    left = {one.key for one in list_objects(world.system.objects, "")} - world.sources
    left -= export.files()
    for run in (run for run in runs if run.kind.blank):
        ref = run.segment.ref
        prefix = rejected_prefix((ref.project, ref.environment, ref.name), run.import_id)
        (file,) = [key for key in left if key.startswith(prefix)]
        left.remove(file)
    assert not left
