"""Plans a composition: how large its result will be, and in how many ranges it is built."""

from typing import Final

from worker.imports.building.size import Sample, prepare_build
from worker.imports.composing.build import combine_sources, intervals, members_per_step
from worker.imports.stage_results import Plan
from worker.imports.stage_run import StageRun
from worker.store.jobs import Composition
from worker.store.lists import Claim, Revision
from worker.store.workflows import keep_sources

_HASHES: Final = 1 << 64
#: Members of the sources from which the result is estimated: an error of one in a hundred where it
#: has one in ten of them.
_SAMPLE_MEMBERS: Final = 262_144


def plan_composition(run: StageRun) -> None:
    """Estimate the result from some of its hashes, fix its size and open the gather stage.

    Guards are checked once it is built: an estimate would stop what is just within bounds.

    Raises:
        SnapshotLost: a source is not kept any more.
        ImportStopped: the revision would not fit.
        Fenced: the import no longer holds the list.
    """
    composition = run.request.composition
    if composition is None:
        raise AssertionError  # run.py calls it for compositions alone
    keep_sources(run.services.store, run.request)
    claim = run.claim()
    parts = _parts(composition.members, _SAMPLE_MEMBERS)
    (part, *_) = intervals(0, 1, parts)
    found, _ = combine_sources(run, composition, *part)
    # With one member at least, because a list of none has a single shard.
    new = max(1, len(found) * parts)
    sample = Sample(found, len(found), _HASHES // parts)
    packed = found.entries.nbytes * parts
    target = prepare_build(run, claim, sample, new=new, packed_bytes=packed)
    count = _range_count(composition, claim, target, run)
    run.open_gather(count, plan=Plan((), (), range_bits=0, bytes_total=0))


def _parts(members: int, most: int) -> int:
    """The power of two of parts of this many members at most, on average."""
    return 1 << max(0, -(-members // most) - 1).bit_length()


def _range_count(composition: Composition, claim: Claim, target: Revision, run: StageRun) -> int:
    """Ranges of whole shards, since one unit builds a shard, with a step of members or more."""
    side = run.request.side
    members = composition.members + claim.count(side)
    return min(target.shard_count(side), _parts(members, members_per_step(run)))
