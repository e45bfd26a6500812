"""Faults of the scripts that build a revision and make it live."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.approvals import ApprovalSuite
from tests.conformance.suite.building import BuildSuite
from tests.conformance.suite.cancelling import CancelSuite
from tests.conformance.suite.publishing import PublishSuite
from tests.conformance.suite.reclaiming import ReclaimSuite
from tests.conformance.suite.schedules import ScheduleSuite

BUILDS = BuildSuite()
CANCELLING = CancelSuite()
APPROVALS = ApprovalSuite()
PUBLISHING = PublishSuite()
RECLAIMING = ReclaimSuite()
SCHEDULES = ScheduleSuite()

_FENCE: Final = "then return fenced(id) end"
_STAGE: Final = "and redis.call('HGET', record, 'stage') == 'gather'"

OF_BUILDS: Final = (
    Fault(
        "approve what is not built",
        "list/approve",
        "if not redis.call('HGET', record, 'counted') then return 'unbuilt' end",
        "",
        APPROVALS.test_approve__at_each_moment__answers_what_is,
    ),
    Fault(
        "cancel what was approved",
        "list/cancel",
        "not awaits_approval()",
        "false",
        APPROVALS.test_cancel__only_if_unapproved__leaves_an_approved_one,
    ),
    Fault(
        "claim over what was approved",
        "list/claim",
        "ARGV[4] == '1' and awaits_approval()",
        "ARGV[4] == '1' and redis.call('HGET', record, 'approval')",
        APPROVALS.test_claim__over_one_approved__is_busy,
    ),
    Fault(
        "a re-shard takes the place of an import",
        "list/claim",
        " or ARGV[5] == 'reshard'",
        "",
        APPROVALS.test_claim__over_one_that_waits__takes_its_place_for_good,
    ),
    Fault(
        "a re-shard keeps an import out",
        "list/claim",
        "is_resharding() or (",
        "(",
        BUILDS.test_claim__over_a_reshard__takes_its_place,
    ),
    Fault(
        "a re-shard is taken for an import that was deleted",
        "list/delete",
        "is_resharding() and '' or ",
        "",
        RECLAIMING.test_delete__while_resharding__names_no_import,
    ),
    Fault(
        "claim again what has given way",
        "list/claim",
        "if newer then",
        "if false then",
        APPROVALS.test_claim__over_one_that_waits__takes_its_place_for_good,
    ),
    Fault(
        "publish what nobody has approved",
        "list/publish",
        "if awaits_approval() then",
        "if false then",
        APPROVALS.test_publish__not_approved__is_refused_until_it_is,
    ),
    Fault(
        "hold drops edits that it has not replayed",
        "list/hold",
        "ms .. '-' .. string.format('%.0f', sequence + 1))",
        "'99999999999999-0')",
        APPROVALS.test_hold__long_journal__goes_in_steps,
    ),
    Fault(
        "hold keeps what it has replayed",
        "list/hold",
        "redis.call('XTRIM'",
        "local _ = ('XTRIM'",
        APPROVALS.test_hold__edits_before_and_while_it_waits__are_replayed_and_dropped,
    ),
    Fault(
        "open a build that waits",
        "list/seal",
        "or awaits_approval()",
        "",
        APPROVALS.test_unseal__while_it_waits__is_fenced_and_afterwards_only_if_untouched,
    ),
    Fault(
        "cancel keeps what was built",
        "list/cancel",
        "redis.call('HSET', record, 'reclaim:' .. name, target)",
        "",
        RECLAIMING.test_cancel__unfinished_build__leaves_the_list_as_it_was,
    ),
    Fault(
        "cancel by anybody",
        "list/cancel",
        "if not holds(id) then",
        "if false then",
        RECLAIMING.test_cancel__by_another__changes_nothing,
    ),
    Fault(
        "a cancelled import claims again",
        "list/claim",
        "if cancelled then",
        "if false then",
        CANCELLING.test_claim__by_a_cancelled_import__is_refused_for_good,
    ),
    Fault(
        "the last who cancels is named",
        "list/cancel",
        "'HSETNX'",
        "'HSET'",
        CANCELLING.test_cancel__cut_off_before_the_job_has_ended__keeps_the_first_name,
    ),
    Fault(
        "cancel after the flip",
        "list/cancel",
        "if not holds(id) and published(id) then return 'done' end",
        "",
        CANCELLING.test_cancel__after_the_flip__is_refused,
    ),
    Fault(
        "cancel brings a deleted list's record back",
        "list/cancel",
        " and live_revision() then",
        " then",
        CANCELLING.test_cancel__of_a_deleted_list__leaves_no_trace,
    ),
    Fault(
        "claim over another",
        "list/claim",
        "return {'busy', building}",
        "building = false",
        BUILDS.test_claim__held_by_another__is_busy,
    ),
    Fault(
        "claim twice for one import",
        "list/claim",
        "if published(id) then return {'busy', id} end",
        "",
        BUILDS.test_claim__by_a_published_import__is_busy,
    ),
    Fault(
        "copy without fence",
        "list/copy_shards",
        _FENCE,
        "then id = '' end",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"change": "seal"},
    ),
    Fault(
        "copy of a lost shard",
        "list/copy_shards",
        "return redis.error_reply('DAMAGED",
        "local _ = redis.error_reply('DAMAGED",
        BUILDS.test_copy__base_shard_lost__is_unknown,
    ),
    Fault(
        "count of lost shards",
        "list/count_shards",
        "missing = missing + 1",
        "missing = 0",
        BUILDS.test_count__shard_missing__is_unknown,
    ),
    Fault(
        "fill adds to what is there",
        "list/fill_shards",
        "redis.call('UNLINK', key)",
        "",
        BUILDS.test_write__either_form__replaces_whole_shards,
    ),
    Fault(
        "fill without fence",
        "list/fill_shards",
        _STAGE,
        "",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"change": "seal"},
    ),
    Fault(
        "size fixed twice",
        "list/prepare",
        "if not redis.call('HGET', record, 'prepared') then",
        "if true then",
        BUILDS.test_prepare__second_time__keeps_the_first_size,
    ),
    Fault(
        "publish forgets which import it was",
        "list/publish",
        ", 'last_import', id",
        ", 'last_import', '?'",
        PUBLISHING.test_claim__after_an_import__tells_it_and_the_edits_since,
    ),
    Fault(
        "publish without replay",
        "list/publish",
        "change[side] = change[side] + apply(name, bits, op, hash32, ops[i + 1])",
        "local _ = hash32",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "publish without counting the replay",
        "list/publish",
        "'replay_included', change.included)",
        "'replay_included', 0)",
        PUBLISHING.test_publish__edits_while_building__win_over_the_file,
    ),
    Fault(
        "publish under any seal",
        "list/publish",
        "redis.call('HGET', record, 'seal') ~= seal",
        "false",
        PUBLISHING.test_publish__opened_since_it_was_counted__is_refused,
    ),
    Fault(
        "publish believes the last count",
        "list/publish",
        "'counted', build.counted, ",
        "",
        PUBLISHING.test_publish__another_worker_goes_on__counts_stay_right,
    ),
    Fault(
        "publish never catches up",
        "list/publish",
        "most = math.min(2 * most, 4000)",
        "most = 100",
        PUBLISHING.test_publish__edits_come_as_fast_as_they_are_replayed__catches_up,
    ),
    Fault(
        "publish remembers one import",
        "list/publish",
        "'published:' .. id",
        "'published:'",
        PUBLISHING.test_publish__repeated_after_a_later_import__still_answers,
    ),
    Fault(
        "publish replays from the start again",
        "list/publish",
        "'replayed', build.replayed,\n",
        "'replayed', '0-0',\n",
        PUBLISHING.test_publish__long_journal__is_replayed_in_steps,
        {"per_edit": 1000},
    ),
    Fault(
        "fill by anybody",
        "list/fill_shards",
        "return holds(id) and",
        "return",
        BUILDS.test_write__no_longer_building__is_fenced,
        {"change": "other"},
    ),
    Fault(
        "fill before the size is fixed",
        "list/fill_shards",
        "and redis.call('HEXISTS', record, 'prepared') == 1",
        "",
        BUILDS.test_write__not_claimed_or_prepared__is_fenced,
    ),
    Fault(
        "seal leaves the fence open",
        "list/seal",
        "redis.call('UNLINK', FENCE)",
        "",
        BUILDS.test_write__change_between_two_windows__is_fenced,
        {"change": "seal"},
    ),
    Fault(
        "unseal leaves the fence shut",
        "list/seal",
        "    open_fence()\n",
        "",
        BUILDS.test_write__opened_again__is_possible,
    ),
    Fault(
        "cancel leaves the fence open",
        "list/cancel",
        "'edits', FENCE)",
        "'edits')",
        BUILDS.test_write__change_between_two_windows__is_fenced,
        {"change": "cancel"},
    ),
    Fault(
        "delete leaves the fence open",
        "list/delete",
        "'edits', FENCE)",
        "'edits')",
        BUILDS.test_write__change_between_two_windows__is_fenced,
        {"change": "delete"},
    ),
    Fault(
        "a claim leaves the fence of what gave way open",
        "list/claim",
        "'edits', FENCE)",
        "'edits')",
        BUILDS.test_write__change_between_two_windows__is_fenced,
        {"change": "reshard"},
    ),
    Fault(
        "prepare opens a sealed build",
        "list/prepare",
        "if may_write(id) then open_fence() end",
        "open_fence()",
        BUILDS.test_write__opened_again__is_possible,
    ),
    Fault(
        "build opened in mid-replay",
        "list/seal",
        "if ARGV[2] == 'gather' and counted then",
        "if false then",
        PUBLISHING.test_publish__another_worker_goes_on__counts_stay_right,
    ),
    Fault(
        "publish forgets schedules",
        "list/publish",
        "if redis.call('EXISTS', SCHEDULES) == 1 then",
        "if false then",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
    Fault(
        "claim over void schedules",
        "list/claim",
        "return {'prune'}",
        "local _ = 0",
        SCHEDULES.test_replace__that_drops_a_key__it_comes_back_without,
        {"pruned_by": "claim"},
    ),
)
