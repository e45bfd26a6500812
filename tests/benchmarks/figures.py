"""What was found on one server."""

from dataclasses import dataclass, field
from typing import TypeAlias

from tests.benchmarks.memory import PEAK_SOURCE

Raw: TypeAlias = dict[str, float | int | str]


@dataclass(slots=True)
class Figures:
    """One number a key, the raw figures it was made of, and how far its runs lay apart."""

    values: dict[str, float] = field(default_factory=dict)
    spreads: dict[str, tuple[float, float]] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)

    def put(
        self,
        key: str,
        value: float,
        *,
        spread: tuple[float, float] | None = None,
        **raw: float | str,
    ) -> None:
        """Note a figure; a second one takes the first one's place."""
        self.values[key] = round(value, 3)
        if spread is not None:
            self.spreads[key] = (round(spread[0], 3), round(spread[1], 3))
        self.note(key, **raw)

    def put_peak(self, mib: float) -> None:
        """Note the peak memory of some worker process; the highest is kept."""
        highest = max(mib, self.values.get("worker_peak_mib", 0.0))
        self.put("worker_peak_mib", highest, source=PEAK_SOURCE)

    def note(self, key: str, **raw: float | str) -> None:
        """Note raw figures of something without a budget."""
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in raw.items()}
        self.raw.setdefault(key, {}).update(rounded)

    def note_processor(self, name: str, stages: dict[str, dict[str, float]]) -> None:
        """Note the processor time of each stage: the profile of a run."""
        for stage, used in stages.items():
            self.note(f"processor seconds, {name}: {stage}", **used)
