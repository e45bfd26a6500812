"""Faults of the scripts about schedules of exports."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.export_schedules import ExportScheduleSuite

SCHEDULES = ExportScheduleSuite()


OF_EXPORT_SCHEDULES: Final = (
    Fault(
        "changed schedule runs in its old form",
        "schedule/claim",
        "if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2]",
        "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0",
        SCHEDULES.test_claim__of_a_schedule_that_was_changed__starts_nothing,
    ),
    Fault(
        "export of a due time started twice",
        "schedule/claim",
        "if redis.call('HSETNX', KEYS[4], 'request', ARGV[6]) == 0 then return 'ran' end",
        "redis.call('HSET', KEYS[4], 'request', ARGV[6])",
        SCHEDULES.test_claim__of_a_due_time_that_has_an_export__writes_nothing,
    ),
    Fault(
        "claimed without going on",
        "schedule/claim",
        "redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])",
        "",
        SCHEDULES.test_claim__by_many_at_once__starts_one_export,
    ),
    Fault(
        "claimed without a job that sweeps find",
        "schedule/claim",
        "redis.call('SADD', KEYS[5], ARGV[8])",
        "",
        SCHEDULES.test_claim__by_many_at_once__starts_one_export,
    ),
    Fault(
        "schedule outlives its segment",
        "schedule/claim",
        "if not found or",
        "if false and",
        SCHEDULES.test_claim__of_a_deleted_segment__starts_nothing,
    ),
    Fault(
        "schedule of another generation",
        "schedule/create",
        "if not found or",
        "if not found and",
        SCHEDULES.test_create__segment_of_another_generation__is_refused,
    ),
    Fault(
        "schedule replaced by a new one",
        "schedule/create",
        "then return 'exists' end",
        "then return 'ok' end",
        SCHEDULES.test_create__key_that_is_taken_or_one_too_many__is_refused,
    ),
    Fault(
        "more schedules than an environment may have",
        "schedule/create",
        ">= tonumber(ARGV[3])",
        "> tonumber(ARGV[3])",
        SCHEDULES.test_create__key_that_is_taken_or_one_too_many__is_refused,
    ),
)
