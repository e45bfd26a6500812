"""Options that create and change a schedule alike."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from api.cli.jobs.exports.options import WritingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """When a schedule exports, and how long its files are kept."""

    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="The IANA name of the time zone of the expression, such as `Europe/Berlin`.",
            show_default="UTC",
        ),
    ] = None
    keep_last: Annotated[
        int | None, typer.Option(min=1, help="Keep only the files of this many runs, the newest.")
    ] = None
    keep_days: Annotated[int | None, typer.Option(min=1, help="Keep files for this many days.")] = (
        None
    )

    def body(self, writing: WritingOptions) -> dict[str, Any]:
        """The fields that are sent, with how the keys are written; unset ones are left out."""
        given = {
            "timeZone": self.time_zone,
            "export": None if writing == WritingOptions() else writing.body(None),
            "keepLast": self.keep_last,
            "keepDays": self.keep_days,
        }
        return {name: value for name, value in given.items() if value is not None}
