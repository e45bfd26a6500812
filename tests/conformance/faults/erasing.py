"""Faults of the script that erases a key."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.erasing import ErasureSuite

ERASING: Final = ErasureSuite()

OF_ERASING: Final = (
    Fault(
        "erase from the included list alone",
        "list/erase",
        "ipairs({'included', 'excluded'})",
        "ipairs({'included'})",
        ERASING.test_erase__member_of_both_lists__is_in_neither,
    ),
    Fault(
        "erase without the counts",
        "list/erase",
        "redis.call('HINCRBY', record, 'included', -taken.included)",
        "",
        ERASING.test_erase__member_of_both_lists__is_in_neither,
    ),
    Fault(
        "erase without a version",
        "list/erase",
        "redis.call('HINCRBY', record, 'version', 1)",
        "",
        ERASING.test_erase__member_of_both_lists__is_in_neither,
    ),
    Fault(
        "erase forgets its figures",
        "list/erase",
        "redis.call('HGET', record, field) or",
        "false or",
        ERASING.test_erase__repeated__gives_the_same_figures_until_it_is_forgotten,
    ),
    Fault(
        "erase leaves kept revisions",
        "list/erase",
        "for i = 1, #replaced, 2 do",
        "for i = 1, 0, 2 do",
        ERASING.test_erase__kept_revision__is_whole_without_it_when_it_is_live_again,
    ),
    Fault(
        "erase leaves the counts of kept revisions",
        "list/erase",
        "if times then",
        "if false then",
        ERASING.test_erase__kept_revision__is_whole_without_it_when_it_is_live_again,
    ),
    Fault(
        "erase counts as an edit of the live revision",
        "list/erase",
        "since_ms .. ' ' .. since_version + 1",
        "since_ms .. ' ' .. since_version",
        ERASING.test_erase__live_revision__is_no_edit_of_it,
    ),
    Fault(
        "erase counts as an edit since the last import",
        "list/erase",
        "if import then",
        "if false then",
        ERASING.test_erase__live_revision__is_no_edit_of_it,
    ),
    Fault(
        "erase is lost at the flip",
        "list/erase",
        "write_journal({",
        "local _ = ({",
        ERASING.test_erase__import_that_builds__publishes_without_it,
    ),
    Fault(
        "erase is journalled at each try",
        "list/erase",
        "(any or building ~= build)",
        "(true)",
        ERASING.test_erase__import_that_builds__publishes_without_it,
    ),
    Fault(
        "erase is journalled once for all",
        "list/erase",
        "(any or building ~= build)",
        "(building ~= build)",
        ERASING.test_erase__member_is_added_back_while_an_import_builds__is_erased_from_both,
    ),
    Fault(
        "erase is journalled for one import",
        "list/erase",
        "(any or building ~= build)",
        "(any or build == '-')",
        ERASING.test_erase__next_import_that_builds__is_told_too,
    ),
    Fault(
        "erase leaves what is to be freed",
        "list/erase",
        "for i = 2, #freed, 2 do",
        "for i = 2, 0, 2 do",
        ERASING.test_erase__abandoned_build__is_not_in_what_is_to_be_freed,
    ),
    Fault(
        "erase makes a record of a list that is gone",
        "list/erase",
        "if redis.call('EXISTS', record) == 0 then return {} end",
        "redis.call('HSET', record, 'modified', 0)",
        ERASING.test_erase__deleted_list__is_not_in_what_is_to_be_freed,
    ),
    Fault(
        "erase leaves schedules",
        "list/erase",
        "drop_schedules(names)",
        "",
        ERASING.test_erase__schedules_of_the_member__are_dropped,
    ),
    Fault(
        "erase notes what it has not done",
        "list/erase",
        "if after ~= '0 0 0 0 -' then",
        "if true then",
        ERASING.test_erase__key_that_nothing_has__changes_nothing,
    ),
    Fault(
        "drop_changes looks at the first part alone",
        "list/drop_changes",
        "return {'ok', last and last[1] or ''}",
        "return {'ok', ''}",
        ERASING.test_drop_changes__snapshot_has_the_member_in_a_change__is_given_up,
        {"op": "e-"},
    ),
    Fault(
        "drop_changes leaves them",
        "list/drop_changes",
        "redis.call('UNLINK', CHANGES)",
        "",
        ERASING.test_drop_changes__snapshot_has_the_member_in_a_change__is_given_up,
        {"op": "e-"},
    ),
    Fault(
        "drop_changes whatever they have",
        "list/drop_changes",
        "if fields[i] == ARGV[3] then",
        "if fields[i] then",
        ERASING.test_drop_changes__snapshot_has_the_member_in_a_change__is_given_up,
        {"op": "e-"},
    ),
)
