"""What may be said of a schedule when it is made and when it is changed."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """How a schedule exports, and how long its files are kept."""

    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="The IANA name of the time zone of the expression, such as `Europe/Berlin`.",
            show_default="UTC",
        ),
    ] = None
    file_format: Annotated[
        Literal["csv", "parquet"] | None,
        typer.Option("--format", help="How the keys are written.", show_default="csv"),
    ] = None
    keep_last: Annotated[
        int | None, typer.Option(min=1, help="Keep the files of so many runs, the newest.")
    ] = None
    keep_days: Annotated[int | None, typer.Option(min=1, help="Keep files for so many days.")] = (
        None
    )

    def body(self) -> dict[str, Any]:
        """What is sent of it; nothing of what is left out."""
        export = {"format": self.file_format}
        said = {name: value for name, value in export.items() if value is not None}
        body = {
            "timeZone": self.time_zone,
            "export": said or None,
            "keepLast": self.keep_last,
            "keepDays": self.keep_days,
        }
        return {name: value for name, value in body.items() if value is not None}
