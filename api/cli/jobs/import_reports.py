"""Prints an import: what it is, its progress or how it ended, and its report."""

from os.path import commonprefix
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
    ("erased", "erased"),
    ("left out", "leftOut"),
    ("members before", "membersBefore"),
    ("added", "added"),
    ("removed", "removed"),
    ("unchanged", "unchanged"),
    ("not members", "unmatched"),
    ("members after", "membersAfter"),
)
#: Those that not every report has.
_OPEN_COUNTS: Final = frozenset({"erased", "leftOut", "unmatched"})
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
_FILES_SHOWN: Final = 10
#: The columns of a list of files, and the API's fields.
FILE_COLUMNS: Final = ("file", "rows", "valid", "rejected", "bytes", "read as")
_FILE_FIELDS: Final = ("filename", "rows", "valid", "rejected", "sizeBytes", "readAs")


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
    _note_warnings(session, job)
    _point_to_rejected(session, target, job)
    end_as(session, job)


def end_as(session: Session, job: dict[str, Any]) -> None:
    """End the command with status 1 if the import was stopped or accepted no key.

    It ends with 6 if a guard has it wait for an approval, or would.
    """
    if job["status"] == "stopped":
        raise typer.Exit(ExitStatus.FAILED)
    if job["report"] is not None and job["report"]["accepted"] == 0:
        composed = job.get("composition") is not None
        session.note("the result has no key" if composed else "no key in the list was accepted")
        raise typer.Exit(ExitStatus.FAILED)
    if job["guard"] is not None and (job["status"] == "pending_approval" or job["dryRun"]):
        raise typer.Exit(ExitStatus.GUARDED)


def note_superseded(session: Session, job: dict[str, Any]) -> None:
    """Say which import, if any, was dropped because this one was started."""
    if dropped := job.get("supersedes"):
        session.note(f"import {dropped}, which was waiting for approval, was dropped for this one")


def _print_sentences(session: Session, target: SegmentOptions, job: dict[str, Any]) -> None:
    say = typer.echo if session.format is OutputFormat.TABLE else session.note
    how = f"{job['mode']}, excluded" if job.get("target") == "excluded" else job["mode"]
    say(f"import {job['id']} into {job['segmentKey']} ({how}): {job['status']}")
    if job["status"] not in AT_REST:
        say(format_sentence(Progress.of_job(job)))
    if composition := job.get("composition"):
        say(_describe_composition(composition))
    if found := describe_detected(job.get("detected")):
        say(found)
    previous = job.get("previousImport")
    if previous and previous["editsSince"] and job["mode"] == "replace":
        say(
            f"it replaces import {previous['id']} and {previous['editsSince']:,} later "
            f"edit{'s' * (previous['editsSince'] != 1)}"
        )
    if not job.get("composition") and (found := _describe_files(job)):
        say(found)
    if job["reason"]:
        say(f"reason: {name_options(job['reason'])}")
    if job["dryRun"] and job["status"] == "complete":
        if job["guard"]:
            say(f"it would not be published at once: {name_options(job['guard']['message'])}")
        what = "do it" if job.get("composition") else "import the list"
        say(f"nothing was changed; run it without --dry-run to {what}")
    if job["status"] == "pending_approval":
        approve = next_command(target, "approve", job["id"])
        say(f"none of it is visible yet; publish it with `{approve}`")


def _describe_composition(composition: dict[str, Any]) -> str:
    """Say of which segments, at which revisions, an import is made."""
    sources = [
        f"{source['segmentKey']} (revision {source['revision']}, {source['members']:,} keys)"
        for source in composition["segments"]
    ]
    return f"{composition['op']} of {', '.join(sources)}"


def _note_warnings(session: Session, job: dict[str, Any]) -> None:
    """Name what the report warns of where no table does, such as in the mail of a scheduler."""
    if session.format is not OutputFormat.TSV:
        return
    for each in (job["report"] or {}).get("warnings", ()):
        rows, first = f"{each['count']:,} row{'s' * (each['count'] != 1)}", _list_rows(each)
        where = f"{rows}, first {first}" if first else rows
        session.note(f"warning ({where}): {name_options(each['message'])}")


def _point_to_rejected(session: Session, target: SegmentOptions, job: dict[str, Any]) -> None:
    """Name the command that downloads the rejected rows, unless all of them have been shown."""
    rejected = (job["report"] or {}).get("rejected")
    shown = 0 if session.format is OutputFormat.TSV else _REJECTED_SHOWN
    if "rejectedRows" not in job["_links"] or (rejected is not None and rejected <= shown):
        return
    command = next_command(target, "imports", "rejected", job["id"], "--out", "rejected.csv")
    session.note(f"all rejected rows, with what stood in them: `{command}`")


def _tables(session: Session, job: dict[str, Any]) -> list[Table]:
    """The report for people; for programs one table with what the import is, too."""
    report = job["report"] or {}
    rows: list[tuple[object, ...]] = []
    for name, field in _COUNTS if report else ():
        if field in report or field not in _OPEN_COUNTS:
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
    files = job["files"][:_FILES_SHOWN]
    if job["filesTotal"] > 1 and files and files[0]["rows"] is not None:
        tables.append(_first_files(files))
    if sample := report.get("rejectedSample"):
        named = ("file",) * ("file" in sample[0])
        columns = (*named, "row", "reason")
        first = [tuple(row[name] for name in columns) for row in sample[:_REJECTED_SHOWN]]
        tables.append(Table("First rejected rows", columns, first))
    if warnings := report.get("warnings"):
        cells = [
            (each["count"], _list_rows(each), name_options(each["message"])) for each in warnings
        ]
        tables.append(Table("Warnings", ("rows", "first", "what"), cells))
    return tables


def files_table(files: list[dict[str, Any]], title: str) -> Table:
    """List files of an import, each with what it held."""
    rows = [tuple(file[name] for name in _FILE_FIELDS) for file in files]
    return Table(title, FILE_COLUMNS, rows, frozenset({"file"}))


def _first_files(files: list[dict[str, Any]]) -> Table:
    """The same for a report: the folder that all of them are in is said once."""
    folder = commonprefix([file["filename"] for file in files])  # noqa: RUF071 - cut at a slash below
    folder = folder[: folder.rfind("/") + 1]
    short = [{**file, "filename": file["filename"].removeprefix(folder)} for file in files]
    return files_table(short, f"First files below {folder}" if folder else "First files")


def _describe_files(job: dict[str, Any]) -> str | None:
    """How many files there are and what was skipped; ``None`` if there is only the one named."""
    skipped = job["filesSkipped"] or {"total": 0, "byReason": {}}
    if job["filesTotal"] == 1 and not skipped["total"]:
        return None
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in skipped["byReason"].items())
    said = f"{job['filesTotal']:,} file{'s' * (job['filesTotal'] != 1)}"
    return f"{said}; skipped: {reasons}" if reasons else said


def _list_rows(warning: dict[str, Any]) -> str:
    rows, files = warning["rows"][:_WARNED_SHOWN], warning.get("files", [])[:_WARNED_SHOWN]
    if not rows:
        return ", ".join(files)
    if not files:
        return ", ".join(map(str, rows))
    return ", ".join(f"{row} of {file}" for row, file in zip(rows, files, strict=True))
