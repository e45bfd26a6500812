"""Options that several commands have: the paths of what they name."""

import pytest

from api.cli.errors import UsageError
from api.cli.session.options import SegmentOptions


def test_paths_of_jobs__an_id_that_leads_elsewhere__is_refused() -> None:
    """Without this, cancelling an export called ``..`` would be a DELETE of its segment."""
    target = SegmentOptions(segment="vip")
    for path_of in (target.import_path, target.export_path):
        assert path_of("2f1d-A_9").endswith("/2f1d-A_9")
        with pytest.raises(UsageError):
            path_of("..")
