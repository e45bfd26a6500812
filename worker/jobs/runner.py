"""The one runner of jobs: takes a unit, runs it, and gives it back or stops the job."""

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

from worker.errors import TerminalError, TransientError
from worker.jobs.progress import LeaseLost, UnitProgress
from worker.jobs.services import Services
from worker.store import JobNotFound, UnreadableRecord
from worker.store.jobs import LAST_ERROR, Drained, Ended, Exhausted, JobRef, JobRequest, Unit
from worker.store.monitoring import LEASES_LOST, UNEXPECTED_ERRORS, UNIT_RETRIES

logger = logging.getLogger("bigseg.jobs")

#: Pause before a unit is tried again, doubled with each try.
_FIRST_PAUSE_MS: Final = 500
_LONGEST_PAUSE_MS: Final = 15_000
#: Another try in a process of the same size would end the same way.
_MEMORY_REMEDY: Final = (
    "give the workers more memory, or fewer processes, or lower BIGSEG_CHUNK_BYTES, "
    "BIGSEG_CHUNK_ROWS and BIGSEG_RANGE_BYTES"
)

#: How a try ended: done, to be repeated, or with the end of the job.
Outcome = Literal["done", "failed", "ended"]


class Work(Protocol):
    """What the runner calls to work on one job.

    Every method but ``do`` may be called again after it succeeded.
    """

    @property
    def next_stages(self) -> Mapping[str, str]:
        """The stage of one unit that follows each stage whose results are recorded."""

    def do(self, unit: Unit, progress: UnitProgress) -> bool:
        """Do one unit; whether more may be left to do. May raise anything."""

    def reason_to_stop(self, unit: Unit, error: TerminalError | TransientError) -> str | None:
        """Why the job is stopped by this error; ``None`` to try the unit again."""

    def stop(self, reason: str) -> None:
        """End the job without a result, and free what it used."""

    def tidy_up(self) -> None:
        """Free what an ended job used."""


def run_job(services: Services, ref: JobRef, work_for: Callable[[JobRequest], Work]) -> bool:
    """Do the next unit of a job, if one is available.

    After the only unit of a stage, the next stage is started at once. Safe to run any number of
    times and by any number of workers: a unit is done under a lease, and can be repeated.

    Returns:
        Whether more may be left to do, so that the caller should call again.

    Raises:
        StoreUnavailable: the sweep will come back to the job.
        MemoryError: the job is stopped, and this process should end.
    """
    try:
        return _run(services, ref, work_for)
    except UnreadableRecord as exc:
        end_unreadable(services, ref, exc)
        return False


def end_unreadable(services: Services, ref: JobRef, error: UnreadableRecord) -> None:
    """End a job whose record cannot be read.

    Only its memory can be released here: upkeep cancels its claim.
    """
    jobs, keep_s = services.store.jobs, services.settings.job_retention_s
    if jobs.end(ref, "stopped", reason=str(error), keep_s=keep_s):
        logger.error("job.unreadable", extra={"job": str(ref), "reason": str(error)})
    services.store.build_memory.release(ref)
    jobs.forget(ref)


def _run(services: Services, ref: JobRef, work_for: Callable[[JobRequest], Work]) -> bool:
    work: Work | None = None
    while (taken := _take(services, ref)) is not None:
        if isinstance(taken, Ended) and not services.store.jobs.is_active(ref):
            break
        work = work or _open(services, ref, work_for)
        if work is None:
            break
        match taken:
            case Unit():
                outcome = _do(services, ref, work, taken)
                if outcome != "done" or taken.units > 1:
                    return outcome != "ended"
            case Drained():
                _open_next_stage(services, ref, work, taken)
            case Exhausted():
                work.stop(_exhausted_reason(services, ref, taken))
                break
            case Ended():
                work.tidy_up()
                break
    return False


def _take(services: Services, ref: JobRef) -> Unit | Drained | Exhausted | Ended | None:
    settings = services.settings
    lease_ms = int(settings.lease_s * 1000)
    return services.store.jobs.take(ref, lease_ms=lease_ms, most_tries=settings.unit_tries)


def _open(services: Services, ref: JobRef, work_for: Callable[[JobRequest], Work]) -> Work | None:
    try:
        return work_for(services.store.jobs.request(ref))
    except JobNotFound:
        return None


def _open_next_stage(services: Services, ref: JobRef, work: Work, drained: Drained) -> None:
    """Open the stage that follows one whose units are all done.

    Any worker that finds the stage drained does this, because the worker of the last unit may
    have died before it could. Idempotent.
    """
    following = work.next_stages[drained.stage]
    services.store.jobs.advance(ref, drained.stage, following, 1, drained=True)


def _do(services: Services, ref: JobRef, work: Work, unit: Unit) -> Outcome:
    progress = UnitProgress(services, ref, unit)
    try:
        return "done" if work.do(unit, progress) else "ended"
    except LeaseLost:
        return _lose(services, ref, unit)
    except (TerminalError, TransientError) as exc:
        reason = work.reason_to_stop(unit, exc)
        if reason is None:
            _give_back(services, ref, unit, str(exc), exc)
            return "failed"
    except MemoryError as exc:
        # Its message and its frames may hold context keys.
        traceback.clear_frames(exc.__traceback__)
        services.store.counting.add(UNEXPECTED_ERRORS, unit.stage)
        where = f"{unit.stage} {unit.number}"
        work.stop(f"a worker process ran out of memory at {where}; {_MEMORY_REMEDY}")
        raise
    except Exception as exc:
        services.store.counting.add(UNEXPECTED_ERRORS, unit.stage)
        # Its message may hold a context key, so only its type is kept.
        _give_back(services, ref, unit, f"unexpected {type(exc).__name__}", exc)
        raise
    if not progress.renew():
        # A try whose lease is lost must not decide how the job ends.
        return _lose(services, ref, unit)
    work.stop(reason)
    return "ended"


def _lose(services: Services, ref: JobRef, unit: Unit) -> Outcome:
    services.store.counting.add(LEASES_LOST, unit.stage)
    logger.info("unit.lost", extra=_facts(ref, unit))
    return "failed"


def _give_back(services: Services, ref: JobRef, unit: Unit, why: str, error: Exception) -> None:
    pause_ms = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << (unit.attempt - 1))
    facts = _facts(ref, unit) | {"error": type(error).__name__, "pause_ms": pause_ms}
    logger.warning("unit.failed", extra=facts)
    services.store.counting.add(UNIT_RETRIES, unit.stage)
    services.store.jobs.write(ref, LAST_ERROR, why)
    services.store.jobs.give_back(ref, unit, pause_ms=pause_ms)


def _exhausted_reason(services: Services, ref: JobRef, unit: Exhausted) -> str:
    last = services.store.jobs.read(ref, LAST_ERROR) or "the worker died each time"
    return f"gave up after {unit.tries} tries at {unit.stage} {unit.number}: {last}"


def _facts(ref: JobRef, unit: Unit) -> dict[str, Any]:
    return {"job": str(ref), "stage": unit.stage, "unit": unit.number, "attempt": unit.attempt}
