"""``bigseg import`` and ``bigseg approve``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from api.cli.errors import UnreachableError
from api.cli.jobs.following import follow
from api.cli.jobs.guarding import GuardingOptions
from api.cli.jobs.import_reports import note_superseded, show_import
from api.cli.jobs.import_start import ImportStart
from api.cli.jobs.interrupts import defer_interrupt, describe_ongoing, explain_interrupt
from api.cli.jobs.list_names import NamedSources
from api.cli.jobs.list_reading import ReadingOptions
from api.cli.jobs.new_segment import CreateOptions, NewSegment
from api.cli.jobs.previews import fetch_preview
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.progress.display import ProgressDisplay


def register(app: typer.Typer) -> None:
    """Add the commands ``import`` and ``approve``."""
    app.command("import")(with_options(_import))
    app.command("approve")(with_options(approve))


def _import(
    target: SegmentOptions,
    session: Session,
    new: CreateOptions,
    reading: ReadingOptions,
    guarding: GuardingOptions,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…|S3-URI…",
            help="A list of keys, or several that are one; `-` is standard input. In S3 also a "
            "prefix that ends with `/`, and a pattern with `*`.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        Literal["merge", "replace", "remove"],
        typer.Option(
            help="Add the list to the segment, replace its members, or remove it from them."
        ),
    ] = "merge",
    side: Annotated[
        Literal["included", "excluded"],
        typer.Option("--target", help="Which of the segment's two lists is changed."),
    ] = "included",
    *,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="S3-URI", help="An object in S3 that names the lists."),
    ] = None,
    wait_for_approval: Annotated[
        bool, typer.Option(help="Prepare the import, but publish it only after `bigseg approve`.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until the import has ended or waits for approval.")
    ] = True,
    direct: Annotated[
        bool | None,
        typer.Option(
            "--direct/--no-direct",
            help="Send files straight to the bucket, or through the API.",
            show_default="straight if over 64 MiB or several",
        ),
    ] = None,
) -> None:
    """Import lists of context keys into a segment, from files or from S3, all at once.

    A large file is sent in parts; after an interrupt the same command goes on where it was.
    Exits with status 1 if the import was stopped or if it accepted no keys, and with 6 if a guard
    has it wait for an approval.
    """
    fields: dict[str, str | bool] = {"mode": mode, "target": side}
    fields |= {**reading.fields, **guarding.fields}
    if wait_for_approval:
        fields["waitOnApprovals"] = True
    source = NamedSources.of(sources or [], manifest)
    start = ImportStart(session, target, source, fields, NewSegment(target, new), direct)
    run_import(session, start, wait=wait)


def run_import(session: Session, start: ImportStart, *, wait: bool) -> None:
    """Start an import, perhaps wait for its end, and print it.

    Args:
        session: Of the command.
        start: What is imported.
        wait: Whether to wait until it has ended or waits for an approval.
    """
    target = start.target
    with (
        start.explain_interrupts(),
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
    ):
        location = start.run(connection, display)
        with _explain_early_end(target, location.rpartition("/")[2]):
            job = connection.get(location)
            note_superseded(session, job)
            if wait:
                job = follow(connection, location, display)
        preview = fetch_preview(connection, location, job)
        ended_without = job["status"] == "stopped" or (job["dryRun"] and wait)
        if ended_without and start.segment.undo_if_empty(connection):
            session.note(f"segment {target.segment}, which was created for it, is deleted again")
    show_import(session, target, job, preview)


def approve(
    import_id: Annotated[str, typer.Argument(metavar="ID", help="The import's id.")],
    target: SegmentOptions,
    session: Session,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until the import has ended.")] = True,
) -> None:
    """Publish an import that waits for an approval."""
    path = target.import_path(import_id)
    instruction = {"kind": "processBigSegmentImport", "importId": import_id}
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
    ):
        asking = next_command(target, "imports", "show", import_id)
        unsure = f"interrupted; `{asking}` says whether it was approved"
        with explain_interrupt(unsure), defer_interrupt(describe_ongoing(target, import_id)):
            connection.instruct(target.path, instruction)
        with _explain_early_end(target, import_id):
            job = follow(connection, path, display) if wait else connection.get(path)
    show_import(session, target, job)


@contextmanager
def _explain_early_end(target: SegmentOptions, import_id: str) -> Iterator[None]:
    """Say so when the command ends before the import does."""
    try:
        with explain_interrupt(describe_ongoing(target, import_id)):
            yield
    except UnreachableError as exc:
        raise UnreachableError(
            f"{exc}; {describe_ongoing(target, import_id)}", status=exc.status
        ) from exc
