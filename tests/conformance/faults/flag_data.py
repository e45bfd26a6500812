"""Faults of the script about the flags of environments."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.flag_data import FlagDataSuite

FLAG_DATA = FlagDataSuite()

OF_FLAG_DATA: Final = (
    Fault(
        "flags of a deleted environment",
        "flag_data/replace",
        "then return 'closed' end",
        "then local _ = 0 end",
        FLAG_DATA.test_delete__environment_with_flags__takes_them_along,
        own_list=False,
    ),
    Fault(
        "flags over those of another",
        "flag_data/replace",
        "~= ARGV[1] then return 'changed' end",
        "~= ARGV[1] then local _ = 0 end",
        FLAG_DATA.test_flags__changed_since_they_were_seen__stay,
        own_list=False,
    ),
    Fault(
        "flags that are gone",
        "flag_data/replace",
        "~= tonumber(ARGV[3]) then return 'changed' end",
        "== 7 then return 'changed' end",
        FLAG_DATA.test_flags__whose_pieces_are_gone__are_not_made_the_current_ones,
        own_list=False,
    ),
    Fault(
        "flags that expire",
        "flag_data/replace",
        "redis.call('PERSIST', KEYS[3])",
        "",
        FLAG_DATA.test_flags__replaced__leave_nothing_and_last,
        own_list=False,
    ),
    Fault(
        "flags before are kept",
        "flag_data/replace",
        "redis.call('UNLINK', KEYS[4])",
        "",
        FLAG_DATA.test_flags__replaced__leave_nothing_and_last,
        own_list=False,
    ),
)
