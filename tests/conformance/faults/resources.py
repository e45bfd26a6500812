"""Faults of the scripts about projects, environments, segments, access tokens and the audit log."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.audit import AuditSuite
from tests.conformance.suite.definitions import DefinitionSuite
from tests.conformance.suite.environments import EnvironmentSuite
from tests.conformance.suite.reclaiming import ReclaimSuite
from tests.conformance.suite.tokens import TokenSuite

DEFINITIONS = DefinitionSuite()
ENVIRONMENTS = EnvironmentSuite()
AUDIT = AuditSuite()
RECLAIMING = ReclaimSuite()
TOKENS = TokenSuite()


OF_RESOURCES: Final = (
    Fault(
        "log without end",
        "audit/append",
        "'MAXLEN', ARGV[1], ",
        "",
        AUDIT.test_append__over_the_bound__forgets_the_oldest,
        own_list=False,
    ),
    Fault(
        "log of a deleted environment",
        "audit/append",
        "== 1 then return 'closed' end",
        "== 2 then return 'closed' end",
        AUDIT.test_append__environment_deleted__goes_to_the_account,
        own_list=False,
    ),
    Fault(
        "log outlives its environment",
        "project/close_environment",
        "redis.call('UNLINK', KEYS[2])",
        "",
        AUDIT.test_append__environment_deleted__goes_to_the_account,
        own_list=False,
    ),
    Fault(
        "segment made over another",
        "segment/create",
        "return 'exists' end",
        "local _ = 0 end",
        DEFINITIONS.test_create__key_taken__is_refused_and_changes_nothing,
        own_list=False,
    ),
    Fault(
        "delete of the next generation",
        "segment/delete",
        "or cjson.decode(found).generation ~= tonumber(ARGV[2])",
        "",
        DEFINITIONS.test_delete__key_created_anew_meanwhile__leaves_the_new_one,
        own_list=False,
    ),
    Fault(
        "targets outlive their segment",
        "segment/delete",
        "redis.call('UNLINK', KEYS[2])",
        "",
        DEFINITIONS.test_delete__segment_with_targets__leaves_none_behind,
        own_list=False,
    ),
    Fault(
        "segment made in a closed environment",
        "segment/create",
        "then return 'closed' end",
        "then local _ = 0 end",
        DEFINITIONS.test_create__closed_environment__is_refused,
        own_list=False,
    ),
    Fault(
        "targets of nobody",
        "segment/read",
        "redis.call('MGET', unpack(KEYS, 2))",
        "{}",
        DEFINITIONS.test_read__new_segment__targets_nothing,
        own_list=False,
    ),
    Fault(
        "change over another change",
        "segment/update",
        "then return 'changed' end",
        "then local _ = 0 end",
        DEFINITIONS.test_update__older_definition__writes_nothing,
        own_list=False,
    ),
    Fault(
        "change of another generation",
        "segment/update",
        "if current.generation ~= tonumber(ARGV[2]) then return 'gone' end",
        "",
        DEFINITIONS.test_update__deleted_segment__is_not_found,
        own_list=False,
    ),
    Fault(
        "change that nobody notices",
        "segment/update",
        "redis.call('HSET', KEYS[3], 'changed', ARGV[6])",
        "",
        DEFINITIONS.test_list__changed_by_another_process__is_read_again,
        own_list=False,
    ),
    Fault(
        "place changed over another change",
        "project/put_record",
        "~= ARGV[2] then return 0 end",
        "== 1 then return 0 end",
        ENVIRONMENTS.test_put__record_not_as_expected__stays,
        own_list=False,
    ),
    Fault(
        "last project removed",
        "project/put_record",
        "ARGV[4] == '1'",
        "false",
        ENVIRONMENTS.test_put__last_record_to_keep__stays,
        own_list=False,
    ),
    Fault(
        "environment closed by a deletion long over",
        "project/close_environment",
        "if number <= tonumber(redis.call('HGET', KEYS[1], 'opened') or '0') then return 0 end",
        "",
        ENVIRONMENTS.test_finish__made_anew_meanwhile__leaves_the_new_one,
        {"times": 2},
        own_list=False,
    ),
    Fault(
        "environment never opened again",
        "project/open_environment",
        "return redis.call('HDEL', KEYS[1], 'closed')",
        "return 1",
        ENVIRONMENTS.test_create__environment_deleted_before__starts_empty,
        own_list=False,
    ),
    Fault(
        "list not watched",
        "segment/watch",
        "return redis.call('SADD', KEYS[1], ARGV[1])",
        "return 1",
        RECLAIMING.test_reclaim__list_claimed_meanwhile__is_watched_again,
    ),
    Fault(
        "token over another",
        "token/put",
        "~= ARGV[2]",
        "== 0",
        TOKENS.test_update__changed_between_reading_and_writing__is_refused,
        own_list=False,
    ),
    Fault(
        "use left behind",
        "token/revoke",
        "unpack(ARGV, 2)",
        "ARGV[2]",
        TOKENS.test_revoke__any__is_gone_with_all_that_was_noted,
        own_list=False,
    ),
    Fault(
        "use goes back",
        "token/note_used",
        "before <",
        "0 <",
        TOKENS.test_note_used__several_processes__keeps_the_last_time,
        own_list=False,
    ),
)
