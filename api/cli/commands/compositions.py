"""``bigseg compose``."""

from typing import Annotated, Literal

import typer

from api.cli.commands.imports import run_import
from api.cli.jobs.guarding import ChangeOptions
from api.cli.jobs.import_start import ImportStart
from api.cli.jobs.list_names import NamedSources
from api.cli.jobs.new_segment import CreateOptions, NewSegment
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session


def register(app: typer.Typer) -> None:
    """Add the command ``compose``."""
    app.command("compose")(with_options(_compose))


def _compose(
    target: SegmentOptions,
    session: Session,
    new: CreateOptions,
    change: ChangeOptions,
    op: Annotated[
        Literal["union", "intersect", "except"],
        typer.Argument(
            metavar="union|intersect|except",
            help="The keys of any of the segments, of all of them, or of the first and no other.",
        ),
    ],
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SEGMENT…", help="Big segments of the same environment."),
    ],
    mode: Annotated[
        Literal["merge", "replace", "remove"],
        typer.Option(
            help="Replace the segment's members by the result, add it, or remove it from them."
        ),
    ] = "replace",
    side: Annotated[
        Literal["included", "excluded"],
        typer.Option("--target", help="Which of the segment's two lists is changed."),
    ] = "included",
    source_list: Annotated[
        Literal["included", "excluded"],
        typer.Option(help="Which of the two lists of the others is read."),
    ] = "included",
    *,
    wait_for_approval: Annotated[
        bool, typer.Option(help="Build the result, but publish it only after `bigseg approve`.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until it is published, stopped or waits for approval.")
    ] = True,
) -> None:
    """Build a segment from the keys of other segments, on the workers.

    It is an import without a file: `bigseg imports` shows it, watches it and cancels it.
    Exits with status 1 if it was stopped or if the result has no keys, and with 6 if a guard
    has it wait for an approval.
    """
    fields: dict[str, str | bool] = {"mode": mode, "target": side, "sourceList": source_list}
    fields |= change.fields
    if wait_for_approval:
        fields["waitOnApprovals"] = True
    named = NamedSources(body={"op": op, "segments": sources})
    start = ImportStart(
        session, target, named, fields, NewSegment(target, new), operation="compose"
    )
    run_import(session, start, wait=wait)
