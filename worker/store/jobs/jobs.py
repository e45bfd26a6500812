"""Job records in Redis: written first, claimed second, worked on unit by unit."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from worker.store.errors import JobNotFound
from worker.store.jobs.records import (
    STATUS_OF_STAGE,
    WAITING_STAGE,
    Drained,
    Ended,
    Exhausted,
    ExportRequest,
    ImportRequest,
    JobRef,
    JobState,
    PreviousImport,
    Progress,
    SourceFile,
    Status,
    Unit,
)
from worker.store.keyspace import ListRef, Scope
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument, ScriptName

Taken = Unit | Exhausted | Drained | Ended

#: A record of a job that nobody finishes is dropped after this long, far beyond any job.
_ABANDONED_S: Final = 90 * 86_400


class JobStore:
    """Creates, reads, leases and ends jobs.

    A job's record only steers work; whether an import took effect is the list record's
    to say.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, request: ImportRequest | ExportRequest, *, stage: str, units: int) -> None:
        """Write a new job's record and list it as active. Safe to retry."""
        key = self._key(request.ref)
        fields = {"request": _encode(request), "stage": stage, "units": units, "finished": 0}
        with driver_errors(f"create {request.ref}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hset(key, mapping=fields)
            pipeline.expire(key, _ABANDONED_S)
            pipeline.sadd(self._db.keys.active_jobs(request.ref.scope), str(request.ref))
            pipeline.execute()

    def get(self, ref: JobRef) -> JobState:
        """Read a job. Cost: one round trip; the reply grows with the units done.

        Raises:
            JobNotFound: no such job, or its record has expired.
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors(f"read {ref}"):
            fields = self._db.client.hgetall(self._key(ref))
        if b"request" not in fields:
            message = f"{ref.kind} {ref.job_id} does not exist"
            raise JobNotFound(message)
        return _state({name.decode(): value for name, value in fields.items()})

    def active(self, scope: Scope) -> list[JobRef]:
        """The jobs of an environment that have not ended or not been tidied up, in no order."""
        with driver_errors(f"list jobs of {scope.environment}"):
            found = self._db.client.smembers(self._db.keys.active_jobs(scope))
        return [JobRef.parse(text.decode()) for text in found]

    def is_active(self, ref: JobRef) -> bool:
        """Whether a job has not ended, or has ended and not been tidied up."""
        with driver_errors(f"look for {ref}"):
            return bool(self._db.client.sismember(self._db.keys.active_jobs(ref.scope), str(ref)))

    def take(self, ref: JobRef, *, lease_ms: int, most_tries: int) -> Taken | None:
        """Take the next unit that nobody holds.

        Returns:
            The unit; ``Exhausted`` when the next unit has used up its tries; ``Drained``
            when all units are done and the next stage is to be opened; ``Ended`` when
            the job has ended; ``None`` when nothing is to be had, or the job is gone.

        Raises:
            StoreUnavailable: no answer. Safe to retry; a lease may be left to run out.
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

    def renew(self, ref: JobRef, unit: Unit, *, lease_ms: int, rows: int, size_bytes: int) -> bool:
        """Prolong a lease because of progress; ``False`` when it is no longer ours."""
        args: list[Argument] = [unit.token, unit.stage, unit.number, lease_ms, rows]
        args.append(size_bytes)
        return bool(self._run("job/renew", ref, args))

    def finish(
        self, ref: JobRef, unit: Unit, result: Mapping[str, Any], *, rows: int, size_bytes: int
    ) -> int | None:
        """Record a unit's result, once.

        Returns:
            How many units of the stage are left; ``None`` when another try was first or
            the job moved on.
        """
        text = json.dumps(result, separators=(",", ":"))
        left = self._run("job/finish", ref, [unit.stage, unit.number, text, rows, size_bytes])
        return None if left < 0 else int(left)

    def give_back(self, ref: JobRef, unit: Unit, *, pause_ms: int) -> None:
        """Give a unit back after a transient error; it can be taken after the pause."""
        self._run("job/give_back", ref, [unit.token, unit.stage, unit.number, pause_ms])

    def advance(
        self,
        ref: JobRef,
        from_stage: str,
        to_stage: str,
        units: int,
        *,
        drained: bool = False,
        **fields: Mapping[str, Any] | Sequence[Any] | int | str,
    ) -> bool:
        """Move a job to its next stage; ``False`` when another worker did it.

        Args:
            ref: The job.
            from_stage: Where it must be.
            to_stage: Where it goes.
            units: Units of the next stage.
            drained: Do it only if all units of ``from_stage`` are done.
            fields: What the next stage needs.
        """
        args: list[Argument] = [from_stage, to_stage, units, int(drained)]
        for name, value in fields.items():
            args += [f"field:{name}", json.dumps(value, separators=(",", ":"))]
        return bool(self._run("job/advance", ref, args))

    def reopen(
        self, ref: JobRef, from_stage: str, to_stage: str, units: int, numbers: Sequence[int]
    ) -> bool:
        """Go back to an earlier stage to do some of its units again."""
        return bool(self._run("job/reopen", ref, [from_stage, to_stage, units, *numbers]))

    def field(self, ref: JobRef, name: str) -> Any:  # noqa: ANN401 - JSON that the stage put there
        """Read what an earlier stage left; ``None`` when it left nothing."""
        with driver_errors(f"read {ref}"):
            text = self._db.client.hget(self._key(ref), f"field:{name}")
        return None if text is None else json.loads(text)

    def put_field(self, ref: JobRef, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Leave something for later; the last writer wins. A job that is gone takes nothing."""
        self._run("job/put_field", ref, [f"field:{name}", json.dumps(value, separators=(",", ":"))])

    def results(self, ref: JobRef, stage: str, units: int) -> list[dict[str, Any]]:
        """Read the results of a finished stage, in order of the units.

        Raises:
            JobNotFound: a result is missing, so the record is not whole.
        """
        names = [f"done:{stage}:{number}" for number in range(units)]
        with driver_errors(f"read {ref}"):
            texts = self._db.client.hmget(self._key(ref), names) if names else []
        if not all(texts):
            message = f"{ref.kind} {ref.job_id} has lost results of its stage {stage}"
            raise JobNotFound(message)
        return [json.loads(text) for text in texts if text]

    def end(
        self,
        ref: JobRef,
        status: str,
        *,
        reason: str | None = None,
        report: Mapping[str, Any] | None = None,
        keep_s: int,
    ) -> bool:
        """End a job, once. Safe to retry.

        It stays listed as active, so that a sweep finds it, until :meth:`forget`.

        Returns:
            Whether this call ended it.
        """
        fields: list[Argument] = ["status", status]
        if reason is not None:
            fields += ["reason", reason]
        if report is not None:
            fields += ["report", json.dumps(report, separators=(",", ":"))]
        return bool(self._run("job/end", ref, [keep_s, *fields]))

    def forget(self, ref: JobRef) -> None:
        """Strike an ended job off the active ones: all it used is freed. Idempotent."""
        with driver_errors(f"forget {ref}"):
            self._db.client.srem(self._db.keys.active_jobs(ref.scope), str(ref))

    def take_turn(self, name: str, every_ms: int) -> bool:
        """Whether it is this caller's turn at a periodic chore: one caller each period."""
        args: list[Argument] = [self._db.random_name(), every_ms]
        what = f"take the turn at {name}"
        return bool(self._db.run(what, "job/take_turn", [self._db.keys.turn(name)], args))

    def _key(self, ref: JobRef) -> str:
        return self._db.keys.job(ref.scope, ref.kind, ref.job_id)

    def _run(self, name: ScriptName, ref: JobRef, args: Sequence[Argument]) -> Any:  # noqa: ANN401 - see the script
        step = name.partition("/")[2].replace("_", " ")
        return self._db.run(f"{step} {ref}", name, [self._key(ref)], args)


def _encode(request: ImportRequest | ExportRequest) -> str:
    return json.dumps(dataclasses.asdict(request), separators=(",", ":"))


def _state(fields: Mapping[str, bytes]) -> JobState:
    request = _request(json.loads(fields["request"]))
    stage = fields["stage"].decode()
    ended = _number(fields, "ended")
    report = json.loads(fields["report"]) if "report" in fields else None
    waiting = ended is None and stage == WAITING_STAGE
    return JobState(
        request=request,
        stage=stage,
        units=_number(fields, "units") or 0,
        status=_status(request, stage, fields),
        reason=fields["reason"].decode() if "reason" in fields else None,
        progress=_progress(stage if ended is None else "ended", fields, report or {}),
        ended_ms=ended,
        report=_expected_report(fields) if waiting else report,
        previous=_previous(fields),
    )


def _previous(fields: Mapping[str, bytes]) -> PreviousImport | None:
    found = json.loads(fields.get("field:previous", b"{}"))
    return PreviousImport(**found) if found else None


def _status(
    request: ImportRequest | ExportRequest, stage: str, fields: Mapping[str, bytes]
) -> Status:
    if "status" in fields:
        return fields["status"].decode()  # type: ignore[return-value]  # end() writes nothing else
    status = STATUS_OF_STAGE[stage]
    if isinstance(request, ImportRequest) and request.waits and stage != WAITING_STAGE:
        # It leaves the stage in which it waits only by its approval.
        return "in_progress" if "field:held_from" in fields else "preparing"
    if status == "preparing" and stage == "plan" and "field:claimed" in fields:
        return "ready"
    return status


def _expected_report(fields: Mapping[str, bytes]) -> dict[str, Any]:
    """The report of a build that waits, as if it were published now."""
    counted = json.loads(fields["field:counted"])
    edited = json.loads(fields["field:edited"])
    after = {"membersAfter": counted["counts"][0] + edited, "editedWhileImporting": edited}
    return {**counted["draft"], **after}


def _progress(stage: str, fields: Mapping[str, bytes], report: Mapping[str, Any]) -> Progress:
    def total(prefix: str) -> int:
        return sum(int(value) for name, value in fields.items() if name.startswith(prefix))

    # A list of one chunk is read while it is planned; an export has only the stage write.
    scattered = any(name.startswith("rows:scatter:") for name in fields)
    counted = "scatter:" if scattered else ""
    bytes_total = json.loads(fields.get("field:bytes_total", b"0"))
    read_bytes = total(f"bytes:{counted}")
    # What is complete is done, whichever try of a unit was the last to be counted.
    complete = bool(report)
    return Progress(
        stage=_shown_stage(stage, fields),
        # A chunk reads on to the end of its last row, so the sum may be a little too large.
        bytes_done=bytes_total if complete else min(read_bytes, bytes_total or read_bytes),
        bytes_total=bytes_total,
        rows_done=report.get("rowsRead", report.get("rows", 0))
        if complete
        else total(f"rows:{counted}"),
        started_ms=_number(fields, "started"),
        touched_ms=_number(fields, "touched"),
    )


def _shown_stage(stage: str, fields: Mapping[str, bytes]) -> str:
    # A list of one chunk says itself which part of its only unit is under way.
    if "field:phase" in fields and stage != WAITING_STAGE:
        return str(json.loads(fields["field:phase"]))
    return stage


def _number(fields: Mapping[str, bytes], name: str) -> int | None:
    return int(fields[name]) if name in fields else None


def _request(data: dict[str, Any]) -> ImportRequest | ExportRequest:
    data["list_ref"] = ListRef(**data["list_ref"])
    if "export_id" in data:
        return ExportRequest(**data)
    data["sources"] = tuple(SourceFile(**source) for source in data["sources"])
    return ImportRequest(**data)
