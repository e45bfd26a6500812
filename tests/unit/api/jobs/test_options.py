"""Options of an import, as JSON or a form has them."""

import pytest
from pydantic import ValidationError

from api.jobs.options import ImportOptions

SHARES = ["maxRejectedShare", "maxWarningShare", "maxShrinkShare", "maxGrowthShare"]


@pytest.mark.parametrize("name", SHARES)
def test_share__that_is_true__is_refused_and_turns_no_guard_off(name: str) -> None:
    with pytest.raises(ValidationError, match="use a number"):
        ImportOptions.model_validate({name: True})
    given = ImportOptions.model_validate({name: "0.5"})
    assert given.model_dump(by_alias=True)[name] == 0.5
    assert ImportOptions.model_validate({name: ""}) == ImportOptions()
