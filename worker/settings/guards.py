"""Settings of the guards: what about an import makes it wait for an approval."""

from pydantic import Field

from worker.settings.environment import EnvironmentSettings


class GuardSettings(EnvironmentSettings):
    """What each guard lets pass, unless the caller of an import says otherwise."""

    rejected_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a list's rows, blank ones aside, that may be rejected before the "
        "import has to be approved; where over half are, the list has another encoding or format. "
        "It applies to lists of any size, since a small file can be as wrong as a large one; 1 "
        "turns it off. A caller overrides it with `maxRejectedShare` or `allowRejected`.",
    )
    warning_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of a list's rows, blank ones aside, that may be doubtful before a "
        "`replace` has to be approved; 1 turns it off. Lists that are meant so have hardly any. A "
        "caller overrides it with `maxWarningShare` or `onWarning`.",
    )
    shrink_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a list's members that a `replace` or a `remove` may remove before it "
        "has to be approved; lists that are renewed daily change by far less. 1 turns it off. A "
        "caller overrides it with `maxShrinkShare` or `allowShrink`.",
    )
    shrink_count: int = Field(
        default=1_000,
        ge=1,
        description="A `replace` or `remove` that removes fewer members than this needs no "
        "approval, whatever their share: small lists are often rewritten entirely, and are quickly "
        "restored. It does not count for a caller's own `maxShrinkShare`.",
    )
    growth_share: float = Field(
        default=9.0,
        ge=0,
        description="By how many times its members a `replace` may make a list grow before it has "
        "to be approved: the default is a list ten times as long, as when all users take the place "
        "of a few. A caller overrides it with `maxGrowthShare`.",
    )
    growth_count: int = Field(
        default=1_000,
        ge=1,
        description="A `replace` of a list of fewer members than this may grow by any share: lists "
        "begin with a few keys for trial. It does not count for a caller's own `maxGrowthShare`.",
    )
