"""Faults of the scripts that change a list and free what it gave up."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.definitions import DefinitionSuite
from tests.conformance.suite.edits import EditSuite
from tests.conformance.suite.expiry import ExpirySuite
from tests.conformance.suite.publishing import PublishSuite
from tests.conformance.suite.reclaiming import ReclaimSuite
from tests.conformance.suite.schedules import ScheduleSuite

DEFINITIONS = DefinitionSuite()
EDITS = EditSuite()
PUBLISHING = PublishSuite()
RECLAIMING = ReclaimSuite()
SCHEDULES = ScheduleSuite()
EXPIRY = ExpirySuite()


OF_LISTS: Final = (
    Fault(
        "list made anew",
        "list/create",
        "if redis.call('HGET', record, 'live') then return 'ok' end",
        "",
        DEFINITIONS.test_create__list_there_already__is_left_alone,
    ),
    Fault(
        "deleted list still answers",
        "list/delete",
        "redis.call('HDEL', record, 'live')",
        "",
        DEFINITIONS.test_delete__existing__hides_definition_and_list,
        own_list=False,
    ),
    Fault(
        "deleted list still holds an old revision",
        "list/delete",
        "redis.call('HSET', record, 'reclaim:' .. retired",
        "redis.call('HSET', record, 'forgotten:' .. retired",
        RECLAIMING.test_reclaim__deleted_list__leaves_no_key_behind,
    ),
    Fault(
        "edit without journal",
        "list/edit",
        "write_journal(entry)\nlocal change",
        "local change",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "edit without sentinel check",
        "list/edit",
        "SENTINEL) == 0 then return {'unknown'} end",
        "SENTINEL) == 2 then return {'unknown'} end",
        EDITS.test_shard_lost__edit_that_touches_it__applies_nothing,
    ),
    Fault(
        "edit without counts",
        "list/edit",
        "'included', change.included)",
        "'included', 0)",
        EDITS.test_edit__each_op__changes_its_own_list,
    ),
    Fault(
        "edit spreads and does not say so",
        "list/edit",
        "redis.call('HSET', record, 'live', edited)",
        "",
        EDITS.test_edit__first_member__spreads_the_empty_list,
    ),
    Fault(
        "pin moves to the new revision",
        "list/pin",
        "if pinned then",
        "if false then",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "reclaim of anything",
        "list/reclaim",
        "if not redis.call('HGET', record, field) then return 0 end",
        "",
        RECLAIMING.test_reclaim__live_or_base_revision__frees_nothing,
    ),
    Fault(
        "retire of a pinned revision",
        "list/retire",
        "> now then\n    keep(revision)",
        "> now then\n    keep(nil)",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "retire too early",
        "list/retire",
        "or old.free_ms > now",
        "",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "edit against its condition",
        "list/edit",
        "return {'clash'}",
        "local _ = 0",
        EDITS.test_edit__key_to_be_absent_is_there__nothing_is_applied,
    ),
    Fault(
        "edit keeps schedules",
        "list/edit",
        "if any_scheduled and changed ~= 0 then",
        "if false then",
        SCHEDULES.test_edit__that_takes_or_brings_a_member__takes_its_schedule,
    ),
    Fault(
        "deleted list keeps schedules",
        "list/delete",
        "redis.call('UNLINK', SCHEDULES, DETAILS)",
        "",
        SCHEDULES.test_delete__with_schedules__frees_them,
    ),
    Fault(
        "schedule of nobody",
        "list/schedule",
        "if not here[name] then",
        "if false then",
        SCHEDULES.test_change__each_act__is_answered_and_made,
    ),
    Fault(
        "schedule of any version",
        "list/schedule",
        "expected ~= version then return 'version' end",
        "false then return 'version' end",
        SCHEDULES.test_change__each_act__is_answered_and_made,
    ),
    Fault(
        "expiry without journal",
        "list/expire",
        "  write_journal(entry)\n  keep",
        "  keep",
        SCHEDULES.test_expire__while_an_import_builds__wins_over_the_file,
    ),
    Fault(
        "expiry without counts",
        "list/expire",
        "redis.call('HINCRBY', record, 'included', change.included)",
        "",
        SCHEDULES.test_expire__due_members__are_removed_and_counted,
    ),
    Fault(
        "expiry of lost shards",
        "list/expire",
        "kept = kept + 1",
        "gone[#gone + 1] = name",
        SCHEDULES.test_shard_lost__its_members_wait__others_expire,
    ),
    Fault(
        "walk that drops nothing",
        "list/walk_schedules",
        "drop_schedules(void)",
        "",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
    Fault(
        "hint that is put off",
        "expiry/hint",
        "ARGV[3] == 'by' and there",
        "false",
        EXPIRY.test_hints__due_and_not__are_told_apart_by_the_servers_clock,
    ),
    Fault(
        "hint of what is not due",
        "expiry/due",
        "'-inf', now, 'LIMIT'",
        "'-inf', '+inf', 'LIMIT'",
        EXPIRY.test_hints__due_and_not__are_told_apart_by_the_servers_clock,
    ),
)
