"""Faults of the scripts about the flags of a project."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.flags import FlagSuite

FLAGS = FlagSuite()

OF_FLAGS: Final = (
    Fault(
        "definitions of segments that may be gone",
        "project_segments/put_definitions",
        "if not is_seen(ARGV[2]) then",
        "if false then",
        FLAGS.test_write__others_changed_since_they_were_seen__is_refused,
        own_list=False,
    ),
    Fault(
        "definitions that nobody notices",
        "project_segments/put_definitions",
        "mark(ARGV[3], '')",
        "",
        FLAGS.test_definitions__changed_by_another_process__are_read_again,
        own_list=False,
    ),
    Fault(
        "segment deleted that a flag names",
        "project_segments/delete",
        "'flags:'",
        "'no:'",
        FLAGS.test_segment__named_by_a_flag__is_found_with_it_and_stays,
        own_list=False,
    ),
    Fault(
        "segment kept that no flag names",
        "project_segments/put_definitions",
        "redis.call('HDEL', KEYS[1], field)",
        "return",
        FLAGS.test_segment__named_by_a_flag__is_found_with_it_and_stays,
        own_list=False,
    ),
    Fault(
        "deletion of no definitions",
        "project_segments/put_definitions",
        "return 'gone'",
        "return 'ok'",
        FLAGS.test_delete__none__is_refused,
        own_list=False,
    ),
    Fault(
        "definitions without end",
        "project_segments/put_definitions",
        "is_too_large(#ARGV[1] - #found, ARGV[4])",
        "false",
        FLAGS.test_write__over_the_bytes__is_refused_and_less_is_not,
        own_list=False,
    ),
    Fault(
        "definitions of a deleted project",
        "project_segments/put_definitions",
        "'closed') == 1 then",
        "'closed') == 2 then",
        FLAGS.test_write__project_deleted__is_refused_and_nothing_is_left,
        own_list=False,
    ),
    Fault(
        "time of changes that goes back",
        "project_segments/create",
        "(ms or 0) + 1",
        "0",
        FLAGS.test_changes__each__has_a_number_and_a_later_time,
        own_list=False,
    ),
    Fault(
        "settings over others",
        "project_segments/put_settings",
        "~= ARGV[1]",
        "== 0",
        FLAGS.test_settings__as_they_were_read__are_written_and_else_not,
        own_list=False,
    ),
    Fault(
        "settings of a deleted project",
        "project_segments/put_settings",
        "'closed') == 1 then",
        "'closed') == 2 then",
        FLAGS.test_write__project_deleted__is_refused_and_nothing_is_left,
        own_list=False,
    ),
)
