"""A unit's progress: counted here, and the only reason for which its lease is renewed."""

from typing import Final

from worker.errors import TransientError
from worker.jobs.services import Services
from worker.store.jobs import Entry, JobRef, Unit, share_entry

#: How often the progress that callers see is updated.
_RENEW_MS: Final = 1_000


class LeaseLost(TransientError):
    """Another worker has this unit now. Drop it; there is nothing to give back."""


class UnitProgress:
    """Counts rows and bytes of one try at one unit and renews its lease.

    A lease is renewed only because of progress, so a worker that hangs loses it.
    """

    def __init__(self, services: Services, ref: JobRef, unit: Unit) -> None:
        self._services = services
        self._ref = ref
        self._unit = unit
        self._lease_ms = int(services.settings.lease_s * 1000)
        self._renewed_ms = services.clock_ms()
        self._paced_ms = services.clock_ms()
        self.rows = 0
        self.size_bytes = 0
        self._stage = unit.stage
        self._work = self._work_done = 0

    def expect(self, work: int, *, stage: str | None = None) -> None:
        """Say how much work is to be done, so that callers see how much of it is.

        Args:
            work: In any measure.
            stage: The stage it is of; that of the unit when unset.
        """
        self._stage = stage or self._unit.stage
        self._work, self._work_done = work, 0

    def add(self, *, rows: int = 0, size_bytes: int = 0, work: int = 0) -> None:
        """Count progress; renew the lease each second, or when a quarter of it has passed.

        Args:
            rows: Rows that were read or written.
            size_bytes: Bytes of the list that were read.
            work: Part of what is expected, in the same measure.

        Raises:
            LeaseLost: another worker has the unit, or the job has ended.
        """
        self.rows += rows
        self.size_bytes += size_bytes
        self._work_done += work
        since_ms = self._services.clock_ms() - self._renewed_ms
        if since_ms >= min(self._lease_ms // 4, _RENEW_MS) and not self.renew():
            message = f"{self._ref} has lost its lease of {self._unit.stage} {self._unit.number}"
            raise LeaseLost(message)

    def renew(self) -> bool:
        """Renew the lease now; ``False`` when another worker has the unit, or the job has ended."""
        kept = self._services.store.jobs.renew(
            self._ref,
            self._unit,
            lease_ms=self._lease_ms,
            rows=self.rows,
            size_bytes=self.size_bytes,
            share=self._share(),
        )
        self._renewed_ms = self._services.clock_ms()
        return kept

    def _share(self) -> Entry | None:
        if not self._work:
            return None
        return share_entry(self._stage, self._unit.number, self._work_done / self._work)

    def sent(self, size_bytes: int) -> None:
        """Count bytes sent to the store, and keep to ``put_rate_bytes_s``."""
        self.add()
        rate = self._services.settings.put_rate_bytes_s
        if rate == 0:
            return
        now = self._services.clock_ms()
        due = max(self._paced_ms, now - 100) + 1000 * size_bytes / rate
        self._paced_ms = int(due)
        if due > now:
            self._services.sleep_s((due - now) / 1000)
