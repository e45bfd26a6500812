"""Faults of the scripts about the flags of environments."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.flag_data import FlagDataSuite

FLAG_DATA = FlagDataSuite()

OF_FLAG_DATA: Final = (
    Fault(
        "flags of a deleted environment",
        "flag_data/publish",
        "then return 'closed' end",
        "then local _ = 0 end",
        FLAG_DATA.test_delete__environment_with_flags__takes_them_along,
        own_list=False,
    ),
    Fault(
        "flags over those of another",
        "flag_data/publish",
        "then return 'changed' end",
        "then local _ = 0 end",
        FLAG_DATA.test_put__replaced_since_it_was_seen__changes_nothing,
        own_list=False,
    ),
    Fault(
        "flags that expire",
        "flag_data/publish",
        "redis.call('PERSIST', KEYS[3])",
        "redis.call('EXISTS', KEYS[3])",
        FLAG_DATA.test_put__next_flags__leaves_nothing_of_those_before,
        own_list=False,
    ),
    Fault(
        "flags that are gone",
        "flag_data/publish",
        "then return 'lost' end",
        "then local _ = 0 end",
        FLAG_DATA.test_put__pieces_that_were_not_published_in_time__changes_nothing,
        own_list=False,
    ),
    Fault(
        "flags before are kept",
        "flag_data/publish",
        "redis.call('UNLINK', KEYS[2] .. ':' .. revision)",
        "local _ = 0",
        FLAG_DATA.test_put__next_flags__leaves_nothing_of_those_before,
        own_list=False,
    ),
    Fault(
        "flags outlive their environment",
        "project/close_environment",
        "redis.call('UNLINK', KEYS[4],",
        "redis.call('UNLINK',",
        FLAG_DATA.test_delete__environment_with_flags__takes_them_along,
        own_list=False,
    ),
)
