"""Prints an import: what it is, its progress or how it ended, and its report."""

from typing import Any, Final

import typer

from api.cli.connection.refusals import name_options
from api.cli.errors import ExitStatus
from api.cli.jobs.following import AT_REST
from api.cli.jobs.list_reading import describe_detected
from api.cli.jobs.previews import summary_table
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions
from api.cli.session.session import OutputFormat, Session
from api.cli.session.tables import FIELDS, Table
from api.progress.line import Progress, format_sentence

_COUNTS: Final = (
    ("rows read", "rowsRead"),
    ("accepted", "accepted"),
    ("duplicates", "duplicates"),
    ("rejected", "rejected"),
    ("members before", "membersBefore"),
    ("added", "added"),
    ("removed", "removed"),
    ("unchanged", "unchanged"),
    ("members after", "membersAfter"),
)
#: What people call the stages that a report times.
_PHASES: Final = {
    "plan": "planning",
    "scatter": "reading",
    "size": "sizing",
    "gather": "building",
    "publish": "publishing",
}
_REJECTED_SHOWN: Final = 10
_WARNED_SHOWN: Final = 5


def show_import(
    session: Session,
    target: SegmentOptions,
    job: dict[str, Any],
    preview: dict[str, Any] | None = None,
) -> None:
    """Print an import, and end the command as ``end_as`` does."""
    if not session.as_json:
        _print_sentences(session, target, job)
    previews = [] if preview is None else [summary_table(preview)]
    session.show(job, *_tables(session, job), *previews)
    end_as(session, job)


def end_as(session: Session, job: dict[str, Any]) -> None:
    """End the command with status 1 if the import was stopped or accepted no key.

    It ends with 6 if a guard has it wait for an approval, or would.
    """
    if job["status"] == "stopped":
        raise typer.Exit(ExitStatus.FAILED)
    if job["report"] is not None and job["report"]["accepted"] == 0:
        session.note("no key in the list was accepted")
        raise typer.Exit(ExitStatus.FAILED)
    if job["guard"] is not None and (job["status"] == "pending_approval" or job["dryRun"]):
        raise typer.Exit(ExitStatus.GUARDED)


def note_superseded(session: Session, job: dict[str, Any]) -> None:
    """Say which import, if any, was dropped because this one was started."""
    if dropped := job.get("supersedes"):
        session.note(f"import {dropped}, which was waiting for approval, was dropped for this one")


def _print_sentences(session: Session, target: SegmentOptions, job: dict[str, Any]) -> None:
    say = typer.echo if session.format is OutputFormat.TABLE else session.note
    say(f"import {job['id']} into {job['segmentKey']} ({job['mode']}): {job['status']}")
    if job["status"] not in AT_REST:
        say(format_sentence(Progress.of_job(job)))
    if found := describe_detected(job.get("detected")):
        say(found)
    previous = job.get("previousImport")
    if previous and previous["editsSince"] and job["mode"] == "replace":
        say(
            f"it replaces import {previous['id']} and {previous['editsSince']:,} later "
            f"edit{'s' * (previous['editsSince'] != 1)}"
        )
    if job["reason"]:
        say(f"reason: {name_options(job['reason'])}")
    if job["dryRun"] and job["status"] == "complete":
        if job["guard"]:
            say(f"it would not be published at once: {name_options(job['guard']['message'])}")
        say("nothing was changed; run it without --dry-run to import the list")
    if job["status"] == "pending_approval":
        approve = next_command(target, "approve", job["id"])
        say(f"none of it is visible yet; publish it with `{approve}`")


def _tables(session: Session, job: dict[str, Any]) -> list[Table]:
    """The report for people; for programs one table with what the import is, too."""
    report = job["report"] or {}
    rows: list[tuple[object, ...]] = []
    for name, field in _COUNTS if report else ():
        rows.append((name, report.get(field)))
        if field == "rejected":
            rows += [
                (f"rejected: {reason}", count)
                for reason, count in (report.get("rejectedByReason") or {}).items()
            ]
    for stage, took in (report.get("seconds") or {}).items():
        rows.append((f"{_PHASES.get(stage, stage)} (s)", took))
    if session.format is OutputFormat.TSV:
        about = [(name, job[name]) for name in ("id", "status", "reason")]
        about += [("percent", job["progress"]["percent"])]
        return [Table("", FIELDS, [*about, *rows])]
    tables = [Table("Report", FIELDS, rows)] if rows else []
    if sample := report.get("rejectedSample"):
        first = [(row["row"], row["reason"]) for row in sample[:_REJECTED_SHOWN]]
        tables.append(Table("First rejected rows", ("row", "reason"), first))
    if warnings := report.get("warnings"):
        cells = [
            (each["count"], _list_rows(each), name_options(each["message"])) for each in warnings
        ]
        tables.append(Table("Warnings", ("rows", "first", "what"), cells))
    return tables


def _list_rows(warning: dict[str, Any]) -> str:
    return ", ".join(map(str, warning["rows"][:_WARNED_SHOWN]))
