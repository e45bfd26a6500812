"""The suite is itself tested: a script broken on purpose must make a named test fail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.conformance.stores import mutated, new_list, opened, script_names
from tests.conformance.suite_approvals import ApprovalSuite
from tests.conformance.suite_audit import AuditSuite
from tests.conformance.suite_building import BuildSuite
from tests.conformance.suite_definitions import DefinitionSuite
from tests.conformance.suite_edits import EditSuite
from tests.conformance.suite_environments import EnvironmentSuite
from tests.conformance.suite_expiry import ExpirySuite
from tests.conformance.suite_jobs import JobSuite
from tests.conformance.suite_publishing import PublishSuite
from tests.conformance.suite_reclaiming import ReclaimSuite
from tests.conformance.suite_schedules import ScheduleSuite
from tests.conformance.suite_tokens import TokenSuite
from tests.servers import Server
from worker.store import Store
from worker.store.scripts import ScriptName

DEFINITIONS, EDITS, BUILDS = DefinitionSuite(), EditSuite(), BuildSuite()
ENVIRONMENTS, APPROVALS, AUDIT = EnvironmentSuite(), ApprovalSuite(), AuditSuite()
PUBLISHING, RECLAIMING, JOBS = PublishSuite(), ReclaimSuite(), JobSuite()
SCHEDULES, EXPIRY = ScheduleSuite(), ExpirySuite()
TOKENS_RACE = TokenSuite().test_update__changed_between_reading_and_writing__is_refused
TOKENS_GONE = TokenSuite().test_revoke__any__is_gone_with_all_that_was_noted
TOKENS_USED = TokenSuite().test_note_used__several_processes__keeps_the_last_time


@dataclass(frozen=True)
class Fault:
    """One change of one script, and the test that must find it."""

    name: str
    script: ScriptName
    old: str
    new: str
    test: Callable[..., None]
    options: dict[str, Any] = field(default_factory=dict)
    own_list: bool = True
    """Whether the test is given a list."""


_FENCE: Final = "then return fenced(id) end"
_STAGE: Final = "or redis.call('HGET', record, 'stage') ~= 'gather'"

FAULTS: Final = (
    Fault(
        "log without end",
        "audit_append",
        "'MAXLEN', ARGV[1], ",
        "",
        AUDIT.test_append__over_the_bound__forgets_the_oldest,
        own_list=False,
    ),
    Fault(
        "log of a deleted environment",
        "audit_append",
        "== 1 then return 'closed' end",
        "== 2 then return 'closed' end",
        AUDIT.test_append__environment_deleted__goes_to_the_account,
        own_list=False,
    ),
    Fault(
        "log outlives its environment",
        "place_close",
        "redis.call('UNLINK', KEYS[2])",
        "",
        AUDIT.test_append__environment_deleted__goes_to_the_account,
        own_list=False,
    ),
    Fault(
        "approve what is not built",
        "approve",
        "if not redis.call('HGET', record, 'counted') then return 'unbuilt' end",
        "",
        APPROVALS.test_approve__at_each_moment__answers_what_is,
    ),
    Fault(
        "cancel what was approved",
        "cancel",
        "~= 'awaited' then",
        "== 'nothing' then",
        APPROVALS.test_cancel__only_if_unapproved__leaves_an_approved_one,
    ),
    Fault(
        "claim over what was approved",
        "claim",
        "redis.call('HGET', record, 'approval') == 'awaited')",
        "redis.call('HGET', record, 'approval'))",
        APPROVALS.test_claim__over_one_approved__is_busy,
    ),
    Fault(
        "claim again what has given way",
        "claim",
        "if newer then",
        "if false then",
        APPROVALS.test_claim__over_one_that_waits__takes_its_place_for_good,
    ),
    Fault(
        "publish what nobody has approved",
        "publish",
        "if hold ~= (redis.call('HGET', record, 'approval') == 'awaited') then",
        "if false then",
        APPROVALS.test_publish__not_approved__is_refused_until_it_is,
    ),
    Fault(
        "hold drops edits that it has not replayed",
        "publish",
        "ms .. '-' .. string.format('%.0f', sequence + 1))",
        "'99999999999999-0')",
        APPROVALS.test_hold__long_journal__goes_in_steps,
    ),
    Fault(
        "hold keeps what it has replayed",
        "publish",
        "redis.call('XTRIM'",
        "local _ = ('XTRIM'",
        APPROVALS.test_hold__edits_before_and_while_it_waits__are_replayed_and_dropped,
    ),
    Fault(
        "open a build that waits",
        "seal",
        "or redis.call('HGET', record, 'approval') == 'awaited'",
        "",
        APPROVALS.test_unseal__while_it_waits__is_fenced_and_afterwards_only_if_untouched,
    ),
    Fault(
        "cancel keeps what was built",
        "cancel",
        "redis.call('HSET', record, 'reclaim:' .. name, target)",
        "",
        RECLAIMING.test_cancel__unfinished_build__leaves_the_list_as_it_was,
    ),
    Fault(
        "cancel by anybody",
        "cancel",
        "if not holds(id) then",
        "if false then",
        RECLAIMING.test_cancel__by_another__changes_nothing,
    ),
    Fault(
        "claim over another",
        "claim",
        "return {'busy', building}",
        "building = false",
        BUILDS.test_claim__held_by_another__is_busy,
    ),
    Fault(
        "claim twice for one import",
        "claim",
        "if published(id) then return {'busy', id} end",
        "",
        BUILDS.test_claim__by_a_published_import__is_busy,
    ),
    Fault(
        "copy without fence",
        "copy_shards",
        _FENCE,
        "then id = '' end",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"end": "seal"},
    ),
    Fault(
        "copy of a lost shard",
        "copy_shards",
        "return redis.error_reply('DAMAGED",
        "local _ = redis.error_reply('DAMAGED",
        BUILDS.test_copy__base_shard_lost__is_unknown,
    ),
    Fault(
        "count of lost shards",
        "count_shards",
        "missing = missing + 1",
        "missing = 0",
        BUILDS.test_count__shard_missing__is_unknown,
    ),
    Fault(
        "list made anew",
        "create_list",
        "if redis.call('HGET', record, 'live') then return 'ok' end",
        "",
        DEFINITIONS.test_create__list_there_already__is_left_alone,
    ),
    Fault(
        "deleted list still answers",
        "delete_list",
        "redis.call('HDEL', record, 'live')",
        "",
        DEFINITIONS.test_delete__existing__hides_definition_and_list,
        own_list=False,
    ),
    Fault(
        "deleted list still holds an old revision",
        "delete_list",
        "redis.call('HSET', record, 'reclaim:' .. retired",
        "redis.call('HSET', record, 'forgotten:' .. retired",
        RECLAIMING.test_reclaim__deleted_list__leaves_no_key_behind,
    ),
    Fault(
        "edit without journal",
        "edit",
        "if redis.call('HGET', record, 'building') and #ARGV > 1 then",
        "if false then",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "edit without sentinel check",
        "edit",
        "SENTINEL) == 0 then return {'unknown'} end",
        "SENTINEL) == 2 then return {'unknown'} end",
        EDITS.test_shard_lost__edit_that_touches_it__applies_nothing,
    ),
    Fault(
        "edit without counts",
        "edit",
        "'included', change.included)",
        "'included', 0)",
        EDITS.test_edit__each_op__changes_its_own_list,
    ),
    Fault(
        "edit spreads and does not say so",
        "edit",
        "if edited ~= live then redis.call('HSET', record, 'live', edited) end",
        "",
        EDITS.test_edit__first_member__spreads_the_empty_list,
    ),
    Fault(
        "fill adds to what is there",
        "fill_shards",
        "redis.call('UNLINK', key)",
        "",
        BUILDS.test_write__either_form__replaces_whole_shards,
    ),
    Fault(
        "fill without fence",
        "fill_shards",
        _STAGE,
        "",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"end": "seal"},
    ),
    Fault(
        "stage left twice",
        "job_advance",
        "if found[1] ~= ARGV[1]",
        "if false",
        JOBS.test_advance__from_the_right_stage__once,
    ),
    Fault(
        "job ended twice",
        "job_end",
        "or redis.call('HGET', KEYS[1], 'ended')",
        "",
        JOBS.test_end__job__is_ended_once_and_does_no_more,
    ),
    Fault(
        "tries forgotten when given back",
        "job_fail",
        ".. ' ' .. tries, 'touched'",
        ".. ' 0', 'touched'",
        JOBS.test_give_back__after_the_pause__can_be_taken,
    ),
    Fault(
        "unit finished twice",
        "job_finish",
        "ARGV[3]) == 0 then return -1 end",
        "ARGV[3]) == 2 then return -1 end",
        JOBS.test_finish__all_units__tells_how_many_are_left,
    ),
    Fault(
        "expired job comes back",
        "job_put",
        "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end",
        "",
        JOBS.test_late_writer__record_expired__brings_nothing_back,
    ),
    Fault(
        "lease of another renewed",
        "job_renew",
        "if token ~= ARGV[1] then return 0 end",
        "",
        JOBS.test_lease__run_out__unit_is_taken_again_until_exhausted,
    ),
    Fault(
        "reopened units stay done",
        "job_reopen",
        "'done:' .. ARGV[2]",
        "'never:' .. ARGV[2]",
        JOBS.test_reopen__some_units__are_done_again,
    ),
    Fault(
        "unit taken twice",
        "job_take",
        "if ends <= now then",
        "if true then",
        JOBS.test_take__by_many__each_unit_once,
    ),
    Fault(
        "stage drained while a unit is leased",
        "job_take",
        "    drained = false",
        "",
        JOBS.test_take__all_units_done__is_drained_until_somebody_advances,
    ),
    Fault(
        "late opener skips units that were opened again",
        "job_advance",
        "if ARGV[4] == '1' and found[3] ~= found[4]",
        "if false",
        JOBS.test_take__all_units_done__is_drained_until_somebody_advances,
    ),
    Fault(
        "turn given to everybody",
        "job_turn",
        "'NX', ",
        "",
        JOBS.test_take_turn__many_callers__one_each_period,
        own_list=False,
    ),
    Fault(
        "pin moves to the new revision",
        "pin",
        "if pinned then",
        "if false then",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "size fixed twice",
        "prepare",
        "if not redis.call('HGET', record, 'prepared') then",
        "if true then",
        BUILDS.test_prepare__second_time__keeps_the_first_size,
    ),
    Fault(
        "publish without replay",
        "publish",
        "change[side] = change[side] + apply(name, bits, op, hash32, ops[i + 1])",
        "local _ = hash32",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "publish without counting the replay",
        "publish",
        "'replay_included', change.included)",
        "'replay_included', 0)",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "publish under any seal",
        "publish",
        "redis.call('HGET', record, 'seal') ~= ARGV[5]",
        "false",
        PUBLISHING.test_publish__opened_since_it_was_counted__is_refused,
    ),
    Fault(
        "publish believes the last count",
        "publish",
        "'counted', counted, ",
        "",
        PUBLISHING.test_publish__another_worker_goes_on__counts_stay_right,
    ),
    Fault(
        "publish remembers one import",
        "publish",
        "'published:' .. id",
        "'published:'",
        PUBLISHING.test_publish__repeated_after_a_later_import__still_answers,
    ),
    Fault(
        "publish replays from the start again",
        "publish",
        "'replayed', replayed,",
        "'replayed', '0-0',",
        PUBLISHING.test_publish__long_journal__is_replayed_in_steps,
        {"per_edit": 1000},
    ),
    Fault(
        "put without fence",
        "put_shards",
        "if not holds(id) or",
        "if",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"end": "other"},
    ),
    Fault(
        "put before the size is fixed",
        "put_shards",
        "or not redis.call('HGET', record, 'prepared')",
        "",
        BUILDS.test_write__not_claimed_or_prepared__is_fenced,
    ),
    Fault(
        "reclaim of anything",
        "reclaim",
        "if not redis.call('HGET', record, field) then return 0 end",
        "",
        RECLAIMING.test_reclaim__live_or_base_revision__frees_nothing,
    ),
    Fault(
        "retire of a pinned revision",
        "retire",
        "> now then keep(revision)",
        "> now then keep(nil)",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "retire too early",
        "retire",
        "if tonumber(after) <= now then",
        "if true then",
        RECLAIMING.test_retire__too_early_or_pinned__keeps_the_revision,
    ),
    Fault(
        "build opened in mid-replay",
        "seal",
        "if ARGV[2] == 'gather' and counted then",
        "if false then",
        PUBLISHING.test_publish__another_worker_goes_on__counts_stay_right,
    ),
    Fault(
        "segment made over another",
        "segment_create",
        "return 'exists' end",
        "local _ = 0 end",
        DEFINITIONS.test_create__key_taken__is_refused_and_changes_nothing,
        own_list=False,
    ),
    Fault(
        "delete of the next generation",
        "segment_delete",
        "or cjson.decode(found).generation ~= tonumber(ARGV[2])",
        "",
        DEFINITIONS.test_delete__key_created_anew_meanwhile__leaves_the_new_one,
        own_list=False,
    ),
    Fault(
        "targets outlive their segment",
        "segment_delete",
        "redis.call('UNLINK', KEYS[2])",
        "",
        DEFINITIONS.test_delete__segment_with_targets__leaves_none_behind,
        own_list=False,
    ),
    Fault(
        "segment made in a closed environment",
        "segment_create",
        "then return 'closed' end",
        "then local _ = 0 end",
        DEFINITIONS.test_create__closed_environment__is_refused,
        own_list=False,
    ),
    Fault(
        "targets of nobody",
        "segment_read",
        "redis.call('MGET', unpack(KEYS, 2))",
        "{}",
        DEFINITIONS.test_read__new_segment__targets_nothing,
        own_list=False,
    ),
    Fault(
        "change over another change",
        "segment_update",
        "then return 'changed' end",
        "then local _ = 0 end",
        DEFINITIONS.test_update__older_definition__writes_nothing,
        own_list=False,
    ),
    Fault(
        "change of another generation",
        "segment_update",
        "if current.generation ~= tonumber(ARGV[2]) then return 'gone' end",
        "",
        DEFINITIONS.test_update__deleted_segment__is_not_found,
        own_list=False,
    ),
    Fault(
        "change that nobody notices",
        "segment_update",
        "redis.call('HSET', KEYS[3], 'changed', ARGV[6])",
        "",
        DEFINITIONS.test_list__changed_by_another_process__is_read_again,
        own_list=False,
    ),
    Fault(
        "edit against its condition",
        "edit",
        "return {'clash'}",
        "local _ = 0",
        EDITS.test_edit__key_to_be_absent_is_there__nothing_is_applied,
    ),
    Fault(
        "place changed over another change",
        "place_put",
        "~= ARGV[2] then return 0 end",
        "== 1 then return 0 end",
        ENVIRONMENTS.test_put__record_not_as_expected__stays,
        own_list=False,
    ),
    Fault(
        "last project removed",
        "place_put",
        "ARGV[4] == '1'",
        "false",
        ENVIRONMENTS.test_put__last_record_to_keep__stays,
        own_list=False,
    ),
    Fault(
        "environment closed by a deletion long over",
        "place_close",
        "if redis.call('HGET', KEYS[1], 'opened') == ARGV[1] then return 0 end",
        "",
        ENVIRONMENTS.test_finish__made_anew_meanwhile__leaves_the_new_one,
        own_list=False,
    ),
    Fault(
        "environment never opened again",
        "place_open",
        "return redis.call('HDEL', KEYS[1], 'closed')",
        "return 1",
        ENVIRONMENTS.test_create__environment_deleted_before__starts_empty,
        own_list=False,
    ),
    Fault(
        "list not watched",
        "segment_watch",
        "return redis.call('SADD', KEYS[1], ARGV[1])",
        "return 1",
        RECLAIMING.test_reclaim__list_claimed_meanwhile__is_watched_again,
    ),
    Fault(
        "edit keeps schedules",
        "edit",
        "if any_scheduled and changed ~= 0 then",
        "if false then",
        SCHEDULES.test_edit__that_takes_or_brings_a_member__takes_its_schedule,
    ),
    Fault(
        "publish forgets schedules",
        "publish",
        "if redis.call('EXISTS', SCHEDULES) == 1 then",
        "if false then",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
    Fault(
        "claim over void schedules",
        "claim",
        "return {'prune'}",
        "local _ = 0",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
    Fault(
        "deleted list keeps schedules",
        "delete_list",
        "redis.call('UNLINK', SCHEDULES, DETAILS)",
        "",
        SCHEDULES.test_delete__with_schedules__frees_them,
    ),
    Fault(
        "schedule of nobody",
        "schedule",
        "if redis.call('SISMEMBER', shard, member) == 0 then",
        "if false then",
        SCHEDULES.test_change__each_act__is_answered_and_made,
    ),
    Fault(
        "schedule of any version",
        "schedule",
        "expected ~= version then return 'version' end",
        "false then return 'version' end",
        SCHEDULES.test_change__each_act__is_answered_and_made,
    ),
    Fault(
        "expiry without journal",
        "expire",
        "if redis.call('HGET', record, 'building') then",
        "if false then",
        SCHEDULES.test_expire__while_an_import_builds__wins_over_the_file,
    ),
    Fault(
        "expiry without counts",
        "expire",
        "redis.call('HINCRBY', record, 'included', change.included)",
        "",
        SCHEDULES.test_expire__due_members__are_removed_and_counted,
    ),
    Fault(
        "expiry of lost shards",
        "expire",
        "kept = kept + 1",
        "drop_schedule(name)",
        SCHEDULES.test_shard_lost__its_members_wait__others_expire,
    ),
    Fault(
        "walk that drops nothing",
        "walk_schedules",
        "drop_schedule(found[i])",
        "",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
    Fault(
        "hint that is put off",
        "expiry_hint",
        "ARGV[3] == 'by' and there",
        "false",
        EXPIRY.test_hints__due_and_not__are_told_apart_by_the_servers_clock,
    ),
    Fault(
        "hint of what is not due",
        "expiry_due",
        "'-inf', now, 'LIMIT'",
        "'-inf', '+inf', 'LIMIT'",
        EXPIRY.test_hints__due_and_not__are_told_apart_by_the_servers_clock,
    ),
    Fault("token over another", "token_put", "~= ARGV[2]", "== 0", TOKENS_RACE, own_list=False),
    Fault("use left behind", "token_revoke", "'used:'", "'no:'", TOKENS_GONE, own_list=False),
    Fault("use goes back", "token_used", "before <", "0 <", TOKENS_USED, own_list=False),
)


@pytest.fixture
def sound(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


def _run(fault: Fault, store: Store, sound: Store) -> None:
    lists = {"ref": new_list(sound)} if fault.own_list else {}
    fault.test(store=store, **lists, **fault.options)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_suite__broken_script__is_found(sound: Store, fault: Fault) -> None:
    broken = mutated(sound, fault.script, lambda text: text.replace(fault.old, fault.new))
    with pytest.raises((Exception, pytest.fail.Exception)):
        _run(fault, broken, sound)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_suite__sound_script__passes(sound: Store, fault: Fault) -> None:
    _run(fault, sound, sound)


def test_faults__every_script__is_broken_somehow() -> None:
    assert {fault.script for fault in FAULTS} == script_names()
