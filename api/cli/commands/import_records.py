"""``bigseg imports list|show|preview|watch|wait``: what becomes of a segment's imports."""

from typing import Annotated, Any

import typer

from api.cli.jobs.following import follow
from api.cli.jobs.import_reports import end_as, show_import
from api.cli.jobs.interrupts import describe_ongoing, explain_interrupt
from api.cli.jobs.previews import count_table, key_table
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table, moment
from api.progress.display import ProgressDisplay

_ImportId = Annotated[str, typer.Argument(metavar="ID", help="The import's id.")]
_COLUMNS = ("id", "status", "percent", "mode", "created", "files", "accepted", "rejected")


def register(app: typer.Typer) -> None:
    """Add the commands below ``imports``."""
    imports = typer.Typer(help="Show imports and wait for them.", no_args_is_help=True)
    imports.command("list")(with_options(_list))
    imports.command("show")(with_options(_show))
    imports.command("preview")(with_options(_preview))
    imports.command("watch")(with_options(_watch))
    imports.command("wait")(with_options(_wait))
    app.add_typer(imports, name="imports")


def _list(
    target: SegmentOptions,
    session: Session,
    limit: Annotated[int, typer.Option(help="The most to list.", min=1, max=100)] = 20,
) -> None:
    """List a segment's imports, newest first: the last 100, as long as they are on record."""
    with session.open_connection() as connection:
        page = connection.get(f"{target.path}/imports", limit=limit)
    rows = [_row(job) for job in page["items"]]
    title = f"Imports into {target.segment}"
    session.show(page["items"], Table(title, _COLUMNS, rows, frozenset({"id"})))


def _show(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show one import: how far it is, or how it ended."""
    with session.open_connection() as connection:
        job = connection.get(_path(target, import_id))
    show_import(session, target, job)


def _preview(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show what an import would change, with some of the keys.

    It must wait for its approval, or be a dry run.
    """
    with session.open_connection() as connection:
        preview = connection.get(f"{_path(target, import_id)}/preview")
    session.show(preview, key_table(preview), count_table(preview))


def _watch(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show an import's progress until it has ended or waits for approval, then its report."""
    with (
        explain_interrupt(describe_ongoing(target, import_id)),
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
    ):
        job = follow(connection, _path(target, import_id), display)
    show_import(session, target, job)


def _wait(
    import_id: _ImportId,
    target: SegmentOptions,
    session: Session,
    timeout: Annotated[
        float | None, typer.Option(help="The most seconds to wait.", min=0, show_default="no limit")
    ] = None,
) -> None:
    """Wait until an import has ended or waits for approval, and print nothing.

    Exits with status 1 if the import was stopped, accepted no keys, or is not over in time, and
    with 6 if a guard has it wait for an approval.
    """
    with (
        explain_interrupt(describe_ongoing(target, import_id)),
        session.open_connection() as connection,
        ProgressDisplay(hidden=True) as display,
    ):
        job = follow(connection, _path(target, import_id), display, limit_s=timeout)
    end_as(session, job)


def _path(target: SegmentOptions, import_id: str) -> str:
    return f"{target.path}/imports/{import_id}"


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    report = job["report"] or {}
    return (
        job["id"],
        job["status"],
        job["progress"]["percent"],
        job["mode"],
        moment(job["creationTime"]),
        ", ".join(file["filename"] for file in job["files"]),
        report.get("accepted"),
        report.get("rejected"),
    )
