"""Options of everything that changes a list at once: an import, and what is made of other lists."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.forms.fields import FormError, parse_flag
from api.bodies.models import StrictBody, blank_is
from worker.options.guards import GuardOptions, OnGuard
from worker.store import Side

_DEFAULT_TARGET: Final = "included"


def parse_form_flag(value: object) -> object:
    """Read a boolean, in JSON or as a form has it; nothing is false."""
    if value is None:
        return False
    if not isinstance(value, str):
        return value
    try:
        return parse_flag("it", value)
    except FormError as exc:
        message = "use true or false"
        raise ValueError(message) from exc


#: A boolean, in JSON or as a form has it.
FormFlag = Annotated[bool, BeforeValidator(parse_form_flag)]


def _refuse_flag(value: object) -> object:
    """A number is meant; true would be read as 1, which turns the guard off."""
    if isinstance(value, bool):
        message = "use a number"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes no TypeError
    return value


#: A share of something, as JSON or as a form has it; blank leaves it to the settings.
Share = Annotated[float, BeforeValidator(_refuse_flag), Field(ge=0, le=1, allow_inf_nan=False)]
#: By how many times something grows.
Growth = Annotated[float, BeforeValidator(_refuse_flag), Field(ge=0, allow_inf_nan=False)]


class ChangeOptions(StrictBody):
    """What becomes of what is built, whatever it is made of."""

    target: Annotated[
        Side,
        blank_is(_DEFAULT_TARGET),
        Field(
            description="Which of the segment's two lists is changed; the other one stays as it "
            "is. A key may be in both: it is included then. An attached list has no `excluded`."
        ),
    ] = _DEFAULT_TARGET
    allow_empty: Annotated[
        FormFlag,
        Field(description="Whether a `replace` or a `remove` may leave a segment without keys."),
    ] = False
    wait_on_approvals: Annotated[
        FormFlag,
        Field(
            description="Whether the import waits for `processBigSegmentImport` before it is "
            "visible."
        ),
    ] = False
    allow_shrink: Annotated[
        FormFlag,
        Field(
            description="Whether a `replace` or a `remove` may remove most of the segment's keys."
        ),
    ] = False
    dry_run: Annotated[
        FormFlag,
        Field(description="Whether the import only reports what it would do, and changes nothing."),
    ] = False
    on_guard: Annotated[
        OnGuard,
        blank_is("pend"),
        Field(
            description="What happens when a guard trips: the import waits for an approval, or is "
            "stopped."
        ),
    ] = "pend"
    max_shrink_share: Annotated[
        Share | None,
        blank_is(None),
        Field(
            description="The share of the keys, of a segment of any size, that a replace may "
            "remove before a guard trips."
        ),
    ] = None
    max_growth_share: Annotated[
        Growth | None,
        blank_is(None),
        Field(
            description="By what share of its keys a replace may make a segment of any size grow "
            "before a guard trips; 1 is twice as many keys."
        ),
    ] = None

    @model_validator(mode="after")
    def _require_something_to_approve(self) -> Self:
        if self.dry_run and self.wait_on_approvals:
            message = "dryRun: a dry run publishes nothing that could be approved"
            raise PydanticCustomError("options", message)
        return self

    @property
    def guards(self) -> GuardOptions:
        """What happens when a guard trips, and where they trip."""
        return GuardOptions(
            on_guard=self.on_guard,
            max_shrink_share=self.max_shrink_share,
            max_growth_share=self.max_growth_share,
        )
