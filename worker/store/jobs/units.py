"""Units of work on a job, and what a worker is told that gets none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work, taken under a lease."""

    stage: str
    number: int
    units: int
    """How many units the stage has."""
    attempt: int
    token: str
    """Identifies the lease; also part of the names of what this try writes."""


@dataclass(frozen=True, slots=True)
class Drained:
    """A stage whose units are all done, before the next one is opened."""

    stage: str
    units: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that has ended; what it used may still have to be freed."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A unit that has been tried too often."""

    stage: str
    number: int
    tries: int
