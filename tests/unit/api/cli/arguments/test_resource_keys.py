"""Keys and ids that become parts of a path: nothing that would lead somewhere else."""

import pytest

from api.cli.arguments.resource_keys import encode_id, encode_key
from api.cli.errors import UsageError

#: With the first of these, cancelling an import would be a DELETE of its segment.
LEAD_ELSEWHERE = [
    "..", ".", "", "../../other", "..%2f..%2fother", "a/b", "a?force=true", "a#b", "a\n", "ä",
    "a" * 257,
]  # fmt: skip


@pytest.mark.parametrize("given", LEAD_ELSEWHERE, ids=repr)
def test_encode__of_what_would_lead_elsewhere__is_refused(given: str) -> None:
    for encode in (encode_id, encode_key):
        with pytest.raises(UsageError):
            encode(given)


def test_encode__of_an_id_or_a_key__leaves_it() -> None:
    assert encode_id("2f1d-A_9") == "2f1d-A_9"
    assert encode_key("beta.v2_x-1") == "beta.v2_x-1"
