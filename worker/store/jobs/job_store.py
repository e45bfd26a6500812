"""Job records in Redis: written first, claimed second, worked on unit by unit."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from worker.batches import batches
from worker.store.errors import JobNotFound, UnreadableRecord
from worker.store.jobs.completion import WHOLE
from worker.store.jobs.records import (
    WAITING_STAGE,
    JobRef,
    JobRequest,
    JobState,
)
from worker.store.jobs.stage_state import (
    EDITED,
    Entry,
    StageField,
    decode_request,
    decode_state,
    encode_report,
    encode_request,
    entered_entry,
    result_name,
)
from worker.store.jobs.units import Drained, Ended, Exhausted, Unit
from worker.store.keyspace import EnvironmentRef
from worker.store.monitoring import Counting
from worker.store.records import RecordCodec
from worker.store.server import Database, driver_errors
from worker.store.server.scripts import Argument, ScriptName

logger = logging.getLogger("bigseg.jobs")

Value = TypeVar("Value")
Taken = Unit | Exhausted | Drained | Ended

#: A record of a job that nobody finishes is dropped after this long, far beyond any job.
ABANDONED_S: Final = 90 * 86_400
#: A record holds a few kilobytes for each unit.
_RECORDS_PER_CALL: Final = 16
#: The result of a chunk is a few kilobytes.
_RESULTS_PER_CALL: Final = 64


class JobStore:
    """Creates, reads, leases and ends jobs.

    A job's record only steers work: the list record decides whether an import took effect. Every
    method may raise ``StoreUnavailable`` and is safe to retry.
    """

    def __init__(self, database: Database, counting: Counting) -> None:
        self._db = database
        self._counting = counting

    def create(self, request: JobRequest, *, stage: str, units: int) -> bool:
        """Write a new job's record and list it as active, once.

        Returns:
            Whether there was none: an older record stays as it is.
        """
        ref = request.ref
        keys = [self._key(ref), self._db.keys.active_jobs(ref.env)]
        args: list[Argument] = [encode_request(request), stage, units, ABANDONED_S, str(ref)]
        return bool(self._db.run(f"create {ref}", "job/create", keys, args))

    def discard(self, ref: JobRef) -> None:
        """Remove the record of a job that has never begun. Idempotent."""
        keys = [self._key(ref), self._db.keys.active_jobs(ref.env)]
        self._db.run(f"discard {ref}", "job/discard", keys, [str(ref)])

    def get(self, ref: JobRef) -> JobState:
        """Read a job. Cost: one round trip; the reply grows with the units done.

        Raises:
            JobNotFound: no such job, or its record has expired.
            UnreadableRecord: its record is damaged.
        """
        with driver_errors(f"read {ref}"):
            fields = self._db.client.hgetall(self._key(ref))
        if b"request" not in fields:
            raise _not_found(ref)
        return _decode(ref, fields)

    def get_all(self, refs: Sequence[JobRef]) -> list[JobState]:
        """Read several jobs; those that are gone are left out, and so are damaged ones.

        Cost: one round trip for each 16 jobs.
        """
        states = []
        for group in batches(refs, _RECORDS_PER_CALL):
            with driver_errors("read jobs"):
                pipeline = self._db.client.pipeline(transaction=False)
                for ref in group:
                    pipeline.hgetall(self._key(ref))
                found = pipeline.execute()
            for ref, fields in zip(group, found, strict=True):
                if b"request" not in fields:
                    continue
                try:
                    states.append(_decode(ref, fields))
                except UnreadableRecord as exc:
                    logger.warning("job.unlisted", extra={"job": str(ref), "reason": str(exc)})
        return states

    def request(self, ref: JobRef) -> JobRequest:
        """Read only what was asked for; raises as :meth:`get`."""
        with driver_errors(f"read {ref}"):
            text = self._db.client.hget(self._key(ref), "request")
        if text is None:
            raise _not_found(ref)
        return decode_request(ref, text)

    def active(self, env: EnvironmentRef) -> list[JobRef]:
        """The jobs of an environment that have not ended or not been tidied up, in no order."""
        with driver_errors(f"list jobs of {env.environment}"):
            found = self._db.client.smembers(self._db.keys.active_jobs(env))
        return [JobRef.parse(text.decode()) for text in found]

    def is_active(self, ref: JobRef) -> bool:
        """Whether a job has not ended, or has ended and not been tidied up."""
        with driver_errors(f"look for {ref}"):
            return bool(self._db.client.sismember(self._db.keys.active_jobs(ref.env), str(ref)))

    def take(self, ref: JobRef, *, lease_ms: int, most_tries: int) -> Taken | None:
        """Take the next unit that nobody holds. A lost answer leaves a lease to run out.

        Returns:
            The unit; ``Exhausted`` when the next unit has used up its tries; ``Drained``
            when all units are done and the next stage can be opened; ``Ended`` when
            the job has ended; ``None`` when nothing is available, or the job is gone.
        """
        token = self._db.random_name()
        reply = self._run("job/take", ref, [token, lease_ms, most_tries])
        match reply[0]:
            case b"unit":
                return Unit(reply[1].decode(), reply[2], reply[3], reply[4], token)
            case b"exhausted":
                return Exhausted(reply[1].decode(), reply[2], reply[3])
            case b"drained":
                return Drained(reply[1].decode(), reply[2])
            case b"ended":
                return Ended()
            case _:
                return None

    def renew(
        self,
        ref: JobRef,
        unit: Unit,
        *,
        lease_ms: int,
        rows: int,
        size_bytes: int,
        share: Entry | None = None,
    ) -> bool:
        """Prolong a lease because of progress; ``False`` when it is no longer ours.

        Args:
            ref: The job.
            unit: The unit.
            lease_ms: For how long.
            rows: Rows of this try. No figure falls below that of an earlier try.
            size_bytes: Bytes of this try.
            share: How much of the unit is done, from :func:`share_entry`.
        """
        args: list[Argument] = [unit.token, unit.stage, unit.number, lease_ms, rows, size_bytes]
        return bool(self._run("job/renew", ref, [*args, *(share or ("", 0))]))

    def finish(
        self, ref: JobRef, unit: Unit, result: bytes, *, rows: int, size_bytes: int
    ) -> int | None:
        """Record a unit's encoded result, once.

        Returns:
            How many units of the stage are left; ``None`` when another try was first or
            the job is in another stage.
        """
        args: list[Argument] = [unit.stage, unit.number, result, rows, size_bytes, WHOLE]
        left = self._run("job/finish", ref, args)
        return None if left < 0 else int(left)

    def results(
        self, ref: JobRef, stage: str, units: int, codec: RecordCodec[Value]
    ) -> list[Value]:
        """Read the results of a finished stage, in order of the units.

        Raises:
            JobNotFound: a result is missing, so the record is not whole.
            UnreadableRecord: a result is damaged.
        """
        names = [result_name(stage, number) for number in range(units)]
        texts: list[bytes | None] = []
        for group in batches(names, _RESULTS_PER_CALL):
            with driver_errors(f"read {ref}"):
                texts += self._db.client.hmget(self._key(ref), group)
        if not all(texts):
            message = f"{ref.kind} {ref.job_id} has lost results of its stage {stage}"
            raise JobNotFound(message)
        return [codec.decode(text, f"a result of {stage} of {ref}") for text in texts if text]

    def give_back(self, ref: JobRef, unit: Unit, *, pause_ms: int) -> None:
        """Give a unit back after an error; it can be taken again after the pause."""
        self._run("job/give_back", ref, [unit.token, unit.stage, unit.number, pause_ms])

    def advance(
        self,
        ref: JobRef,
        from_stage: str,
        to_stage: str,
        units: int,
        *entries: Entry,
        drained: bool = False,
    ) -> bool:
        """Move a job to its next stage; ``False`` when another worker did it.

        Args:
            ref: The job.
            from_stage: Where it must be.
            to_stage: Where it goes.
            units: Units of the next stage.
            entries: What the next stage needs.
            drained: Do it only if all units of ``from_stage`` are done.
        """
        args: list[Argument] = [from_stage, to_stage, units, int(drained)]
        for name, text in (entered_entry(to_stage, self._db.now_ms()), *entries):
            args += [name, text]
        return bool(self._run("job/advance", ref, args))

    def reopen(
        self, ref: JobRef, from_stage: str, to_stage: str, units: int, numbers: Sequence[int]
    ) -> bool:
        """Go back to an earlier stage to do some of its units again."""
        return bool(self._run("job/reopen", ref, [from_stage, to_stage, units, *numbers]))

    def hold(self, ref: JobRef, from_stage: str, edited: int) -> bool:
        """Pause a job until it is resumed; see :meth:`note_edited`.

        Returns:
            Whether this call did it, and not another worker.
        """
        return self.advance(ref, from_stage, WAITING_STAGE, 0, EDITED.entry(edited))

    def resume(self, ref: JobRef) -> None:
        """Continue a held job with its publication; does nothing if it is not held."""
        self.reopen(ref, WAITING_STAGE, "publish", 1, [0])

    def note_edited(self, ref: JobRef, edited: int) -> None:
        """Record how edits replayed onto a held build have changed the count of its list."""
        self.write(ref, EDITED, edited)

    def note_entered(self, ref: JobRef, stage: str) -> None:
        """Record that a unit goes on to another stage's work without leaving its own."""
        self._run("job/put_field", ref, entered_entry(stage, self._db.now_ms()))

    def read(self, ref: JobRef, field: StageField[Value]) -> Value | None:
        """Read a field that an earlier stage wrote; ``None`` if it is not there.

        Raises:
            UnreadableRecord: it is damaged.
        """
        with driver_errors(f"read {ref}"):
            text = self._db.client.hget(self._key(ref), field.name)
        return None if text is None else field.decode(ref, text)

    def write(self, ref: JobRef, field: StageField[Value], value: Value) -> None:
        """Write a field for later stages; the last writer wins. Does nothing if the job is gone."""
        self._run("job/put_field", ref, field.entry(value))

    def end(
        self,
        ref: JobRef,
        status: str,
        *,
        reason: str | None = None,
        report: Mapping[str, Any] | None = None,
        keep_s: int,
        refused: bool = False,
    ) -> bool:
        """End a job, once; one that was ``refused`` has never begun.

        It stays listed as active, so that a sweep finds it, until :meth:`forget`.

        Returns:
            Whether this call ended it.
        """
        fields: list[Argument] = ["status", status]
        if reason is not None:
            fields += ["reason", reason]
        if report is not None:
            fields += ["report", encode_report(report)]
        keys = [self._key(ref), self._db.keys.job_files(ref.env, ref.kind, ref.job_id)]
        ended = bool(self._db.run(f"end {ref}", "job/end", keys, [keep_s, *fields]))
        if ended:
            self._counting.add_end(ref.kind, "refused" if refused else status, reason, report)
        return ended

    def forget(self, ref: JobRef) -> None:
        """Remove an ended job from the active ones, once all it used is freed. Idempotent."""
        with driver_errors(f"forget {ref}"):
            self._db.client.srem(self._db.keys.active_jobs(ref.env), str(ref))

    def take_turn(self, name: str, every_ms: int) -> bool:
        """Whether it is this caller's turn at a periodic chore: one caller each period."""
        args: list[Argument] = [self._db.random_name(), every_ms]
        what = f"take the turn at {name}"
        return bool(self._db.run(what, "job/take_turn", [self._db.keys.turn(name)], args))

    def _key(self, ref: JobRef) -> str:
        return self._db.keys.job(ref.env, ref.kind, ref.job_id)

    def _run(self, name: ScriptName, ref: JobRef, args: Sequence[Argument]) -> Any:  # noqa: ANN401 - see the script
        step = name.partition("/")[2].replace("_", " ")
        return self._db.run(f"{step} {ref}", name, [self._key(ref)], args)


def _decode(ref: JobRef, fields: Mapping[bytes, bytes]) -> JobState:
    return decode_state(ref, {name.decode(): value for name, value in fields.items()})


def _not_found(ref: JobRef) -> JobNotFound:
    return JobNotFound(f"{ref.kind} {ref.job_id} does not exist")
