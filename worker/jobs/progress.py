"""A unit's progress: counted here, and the only thing that keeps its lease."""

from typing import Final

from worker.jobs.errors import LeaseLost
from worker.jobs.services import Context
from worker.store.jobs.records import JobRef, Unit

#: How often a caller sees a job move.
_RENEW_MS: Final = 1_000


class UnitProgress:
    """Counts rows and bytes of one try at one unit and renews its lease.

    A lease is renewed only from :meth:`add`, so a worker that hangs loses it.
    """

    def __init__(self, context: Context, ref: JobRef, unit: Unit) -> None:
        self._context = context
        self._ref = ref
        self._unit = unit
        self._lease_ms = int(context.settings.lease_s * 1000)
        self._renewed_ms = context.clock_ms()
        self._paced_ms = context.clock_ms()
        self.rows = 0
        self.size_bytes = 0

    def add(self, *, rows: int = 0, size_bytes: int = 0) -> None:
        """Count progress; renew the lease each second, or when a quarter of it has passed.

        Raises:
            LeaseLost: another worker has the unit, or the job has ended.
            StoreUnavailable: no answer. Safe to retry the unit.
        """
        self.rows += rows
        self.size_bytes += size_bytes
        now = self._context.clock_ms()
        if now - self._renewed_ms < min(self._lease_ms // 4, _RENEW_MS):
            return
        kept = self._context.store.jobs.renew(
            self._ref,
            self._unit,
            lease_ms=self._lease_ms,
            rows=self.rows,
            size_bytes=self.size_bytes,
        )
        if not kept:
            message = f"{self._ref} unit {self._unit.stage} {self._unit.number} is another's now"
            raise LeaseLost(message)
        self._renewed_ms = now

    def sent(self, size_bytes: int) -> None:
        """Count bytes sent to the store, and keep to the rate that is set for them."""
        self.add()
        rate = self._context.settings.put_rate_bytes_s
        if rate == 0:
            return
        now = self._context.clock_ms()
        due = max(self._paced_ms, now - 100) + 1000 * size_bytes / rate
        self._paced_ms = int(due)
        if due > now:
            self._context.sleep_s((due - now) / 1000)
