"""Faults of the scripts about jobs, and about what is counted of them."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.inbox import InboxSuite
from tests.conformance.suite.job_lists import JobListSuite
from tests.conformance.suite.jobs import JobSuite
from tests.conformance.suite.monitoring import MonitoringSuite
from tests.conformance.suite.requests import RequestSuite

INBOX = InboxSuite()
JOB_LISTS = JobListSuite()
JOBS = JobSuite()
MONITORING = MonitoringSuite()
REQUESTS = RequestSuite()


OF_JOBS: Final = (
    Fault(
        "job created twice",
        "job/create",
        "then return 0 end",
        "then return 1 end redis.call('HSET', job, 'stage', ARGV[2])",
        INBOX.test_admission__again_with_the_same_id__changes_nothing,
    ),
    Fault(
        "job discarded that has begun",
        "job/discard",
        "~= 'claim'",
        "== 'ended'",
        INBOX.test_discard__of_an_import_that_has_begun__does_nothing,
    ),
    Fault(
        "stage left twice",
        "job/advance",
        "if not is_in(ARGV[1])",
        "if false",
        JOBS.test_advance__from_the_right_stage__once,
    ),
    Fault(
        "job ended twice",
        "job/end",
        "or redis.call('HGET', job, 'ended')",
        "",
        JOBS.test_end__job__is_ended_once_and_does_no_more,
    ),
    Fault(
        "files kept longer than their import",
        "job/end",
        "redis.call('EXPIRE', KEYS[2], ARGV[1])",
        "",
        JOB_LISTS.test_files__of_an_import__are_read_in_pages_and_go_with_it,
    ),
    Fault(
        "tries forgotten when given back",
        "job/give_back",
        "ARGV[4], tries)",
        "ARGV[4], 0)",
        JOBS.test_give_back__after_the_pause__can_be_taken,
    ),
    Fault(
        "unit finished twice",
        "job/finish",
        "ARGV[3]) == 0 then return -1 end",
        "ARGV[3]) == 2 then return -1 end",
        JOBS.test_finish__all_units__tells_how_many_are_left,
    ),
    Fault(
        "expired job comes back",
        "job/put_field",
        "if redis.call('EXISTS', job) == 0 then return 0 end",
        "",
        JOBS.test_late_writer__record_expired__brings_nothing_back,
    ),
    Fault(
        "lease of another renewed",
        "job/renew",
        "if token ~= ARGV[1] or",
        "if",
        JOBS.test_lease__run_out__unit_is_taken_again_until_exhausted,
    ),
    Fault(
        "progress falls with a new try",
        "job/renew",
        "if tonumber(value) >= tonumber(redis.call('HGET', job, field) or 0) then",
        "if true then",
        JOBS.test_renew__later_try_with_less_progress__shows_the_most,
    ),
    Fault(
        "outcome recorded twice",
        "job/record_outcome",
        "now_ms()) == 0 then return 0 end",
        "now_ms()) == 2 then return 0 end",
        JOBS.test_outcome__recorded_again__is_in_the_log_once,
    ),
    Fault(
        "reopened units stay done",
        "job/reopen",
        "'done:' .. ARGV[2]",
        "'never:' .. ARGV[2]",
        JOBS.test_reopen__some_units__are_done_again,
    ),
    Fault(
        "unit taken twice",
        "job/take",
        "if ends <= now then",
        "if true then",
        JOBS.test_take__by_many__each_unit_once,
    ),
    Fault(
        "stage drained while a unit is leased",
        "job/take",
        "    drained = false",
        "",
        JOBS.test_take__all_units_done__is_drained_until_somebody_advances,
    ),
    Fault(
        "late opener skips units that were opened again",
        "job/advance",
        "if ARGV[4] == '1' and counts[1] ~= counts[2]",
        "if false",
        JOBS.test_take__all_units_done__is_drained_until_somebody_advances,
    ),
    Fault(
        "turn given to everybody",
        "job/take_turn",
        "'NX', ",
        "",
        JOBS.test_take_turn__many_callers__one_each_period,
        own_list=False,
    ),
    Fault(
        "request taken by two",
        "job/put_request",
        "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end",
        "",
        REQUESTS.test_replace__another_than_expected__writes_nothing,
        own_list=False,
    ),
    Fault(
        "request kept for good",
        "job/put_request",
        ", 'PX', ARGV[3]",
        "",
        REQUESTS.test_record__whose_process_died__goes_after_a_minute,
        own_list=False,
    ),
    Fault(
        "batch added twice",
        "monitoring/count",
        ">= tonumber(ARGV[1])",
        "> tonumber(ARGV[1])",
        MONITORING.test_count__batch_that_is_sent_again__is_added_once,
        own_list=False,
    ),
    Fault(
        "survey not kept",
        "monitoring/put",
        "redis.call('SET', KEYS[1], ARGV[1])",
        "",
        MONITORING.test_survey__kept__is_what_is_read_until_the_next,
        own_list=False,
    ),
    Fault(
        "survey not read",
        "monitoring/read",
        "redis.call('GET', KEYS[2])",
        "nil",
        MONITORING.test_survey__kept__is_what_is_read_until_the_next,
        own_list=False,
    ),
)
