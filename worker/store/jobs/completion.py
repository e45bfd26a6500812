"""How much of a job is done, over all its stages: one figure that never falls.

A stage counts as done once a later one has been entered, also if units of it are done again
after that. The stage that was entered last counts by the shares of its units, and the record
keeps the largest share that any try at a unit has reached.
"""

from collections.abc import Mapping
from typing import Final

from worker.store.jobs.records import WAITING_STAGE, Phase

#: A unit's share is kept in this many parts.
WHOLE: Final = 10_000

_PHASES: Final[Mapping[str, Phase]] = {
    "claim": "queued",
    "plan": "reading",
    "scatter": "reading",
    "size": "reading",
    "gather": "building",
    "publish": "publishing",
    WAITING_STAGE: "waiting",
    "write": "writing",
    "ended": "ended",
}

#: Hundredths of an import's time, by stage, in their order: about what ``seconds`` in the reports
#: of ``bigseg import list.csv --create --json`` came to on two cores with one, five and (in
#: brackets) a fiftieth of a million UUIDs: scatter 22 to 37 (21 to 44), gather 54 to 67 (29 to
#: 44), publish 6 to 10 (6 to 15), plan and size 4 at most (18 to 29, which is 0.1 s at most). The
#: last one is kept back for the flip, which also comes after the wait for an approval.
WEIGHTS: Final[Mapping[str, int]] = {
    "plan": 1,
    "scatter": 30,
    "size": 1,
    "gather": 60,
    "publish": 7,
    WAITING_STAGE: 1,
}
_ORDER: Final = tuple(WEIGHTS)
_WRITE_WEIGHT: Final = 99


def share_entry(stage: str, number: int, share: float) -> tuple[str, bytes]:
    """The field that holds how much of a unit is done, from 0 to 1."""
    return f"share:{stage}:{number}", str(int(WHOLE * min(1.0, share))).encode()


def phase_of(stage: str, *, started: bool) -> Phase:
    """The phase of a job; it is queued until a worker starts on it."""
    return _PHASES[stage] if started or stage == "ended" else "queued"


def done_share(
    stage: str, units: int, entered: Mapping[str, int], fields: Mapping[str, bytes]
) -> float:
    """How much of a job that is not complete is done, from 0 to below 1.

    Args:
        stage: The stage it is in.
        units: The units of that stage.
        entered: The stages that were entered.
        fields: The job's record.
    """
    if stage == "write":
        return _WRITE_WEIGHT / 100 * _stage_share(stage, units, fields)
    reached = [name for name in _ORDER if name in entered]
    if not reached:
        return 0.0
    last = reached[-1]
    before = sum(WEIGHTS[name] for name in _ORDER[: _ORDER.index(last)])
    within = _stage_share(last, units if last == stage else 1, fields)
    return (before + WEIGHTS[last] * within) / 100


def _stage_share(stage: str, units: int, fields: Mapping[str, bytes]) -> float:
    if stage == WAITING_STAGE:
        return 0.0
    prefix = f"share:{stage}:"
    done = sum(int(value) for name, value in fields.items() if name.startswith(prefix))
    return min(1.0, done / (WHOLE * max(1, units)))
