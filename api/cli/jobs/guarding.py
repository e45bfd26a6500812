"""Options that say what may be published at once, and what has to wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from worker.options.guards import OnGuard, OnWarning

_PANEL: Final = "What may be published at once (as the server's settings say when left out)"
_Share = float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOptions:
    """What happens to a change that its caller may not have intended, whatever it is made of."""

    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only report what it would do.", rich_help_panel=_PANEL),
    ] = False
    on_guard: Annotated[
        OnGuard,
        typer.Option(
            help="When a guard trips: wait for an approval, or stop.", rich_help_panel=_PANEL
        ),
    ] = "pend"
    allow_empty: Annotated[
        bool,
        typer.Option(help="Let a list without keys empty the segment.", rich_help_panel=_PANEL),
    ] = False
    allow_shrink: Annotated[
        bool,
        typer.Option(
            help="Let a replace remove most of the segment's members.", rich_help_panel=_PANEL
        ),
    ] = False
    max_shrink_share: Annotated[
        _Share,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Members that a replace may remove.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    max_growth_share: Annotated[
        _Share,
        typer.Option(
            metavar="SHARE",
            min=0,
            help="Members that a replace may add; 1 is as many as there are.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    @property
    def fields(self) -> dict[str, str | bool]:
        """The options that were given, as the API names them."""
        flags = {
            "dryRun": self.dry_run,
            "allowEmpty": self.allow_empty,
            "allowShrink": self.allow_shrink,
        }
        shares = {
            "maxShrinkShare": self.max_shrink_share,
            "maxGrowthShare": self.max_growth_share,
        }
        fields = _given(flags, shares)
        if self.on_guard != "pend":
            fields["onGuard"] = self.on_guard
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardingOptions(ChangeOptions):
    """What happens to an import that its caller may not have intended."""

    on_warning: Annotated[
        OnWarning | None,
        typer.Option(
            help="When too many rows are doubtful.",
            show_default="accept; pend with --mode replace",
            rich_help_panel=_PANEL,
        ),
    ] = None
    allow_rejected: Annotated[
        bool,
        typer.Option(
            help="Import a list even if most of its rows are rejected.", rich_help_panel=_PANEL
        ),
    ] = False
    allow_erased: Annotated[
        bool,
        typer.Option(help="Let keys that were erased be members again.", rich_help_panel=_PANEL),
    ] = False
    max_rejected_share: Annotated[
        _Share,
        typer.Option(
            metavar="SHARE", min=0, max=1, help="Rows that may be rejected.", rich_help_panel=_PANEL
        ),
    ] = None
    max_warning_share: Annotated[
        _Share,
        typer.Option(
            metavar="SHARE", min=0, max=1, help="Rows that may be doubtful.", rich_help_panel=_PANEL
        ),
    ] = None

    @property
    def fields(self) -> dict[str, str | bool]:
        """The options that were given, as the API names them."""
        # A dataclass with slots is made anew, so `super` without arguments does not know it.
        fields = super(GuardingOptions, self).fields
        flags = {"allowRejected": self.allow_rejected, "allowErased": self.allow_erased}
        shares = {
            "maxRejectedShare": self.max_rejected_share,
            "maxWarningShare": self.max_warning_share,
        }
        fields |= _given(flags, shares)
        if self.on_warning is not None:
            fields["onWarning"] = self.on_warning
        return fields


def _given(flags: Mapping[str, bool], shares: Mapping[str, _Share]) -> dict[str, str | bool]:
    fields: dict[str, str | bool] = {name: True for name, flag in flags.items() if flag}
    return fields | {name: str(share) for name, share in shares.items() if share is not None}
