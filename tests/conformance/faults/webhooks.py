"""Faults of the scripts about webhooks."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.webhooks import WebhookSuite

WEBHOOKS = WebhookSuite()

OF_WEBHOOKS: Final = (
    Fault(
        "webhooks without end",
        "webhook/create",
        "then return 'full' end",
        "then local _ = 0 end",
        WEBHOOKS.test_create__many_at_once__never_leaves_more_than_the_most,
        own_list=False,
    ),
    Fault(
        "webhook of a deleted environment",
        "webhook/create",
        "then return 'gone' end",
        "then local _ = 0 end",
        WEBHOOKS.test_delete__environment_with_webhooks__takes_all_of_them_along,
        own_list=False,
    ),
    Fault(
        "webhooks outlive their environment",
        "project/close_environment",
        "redis.call('UNLINK', KEYS[3] .. ':' .. id .. ':' .. part)",
        "",
        WEBHOOKS.test_delete__environment_with_webhooks__takes_all_of_them_along,
        own_list=False,
    ),
    Fault(
        "queue outlives its webhook",
        "webhook/delete",
        "redis.call('UNLINK', key_of(ARGV[1], part))",
        "",
        WEBHOOKS.test_delete__webhook_with_a_queue__leaves_nothing_and_takes_no_result,
        own_list=False,
    ),
    Fault(
        "announced twice",
        "webhook/announce",
        "ARGV[1], now) == 0 then return 0 end",
        "ARGV[1], now) == 2 then return 0 end",
        WEBHOOKS.test_announce__once_for_a_job__is_queued_once_for_those_that_ask,
        own_list=False,
    ),
    Fault(
        "announced to all",
        "webhook/announce",
        "return #events == 0",
        "return true",
        WEBHOOKS.test_announce__once_for_a_job__is_queued_once_for_those_that_ask,
        own_list=False,
    ),
    Fault(
        "queue without end",
        "webhook/announce",
        ">= tonumber(ARGV[6])",
        ">= 1e9",
        WEBHOOKS.test_announce__full_queue__is_counted_as_dropped,
        own_list=False,
    ),
    Fault(
        "claimed by two",
        "webhook/claim",
        "tonumber(state[1] or 0) <= now",
        "true",
        WEBHOOKS.test_claim__webhook_under_a_lease__gives_only_those_of_others,
        own_list=False,
    ),
    Fault(
        "no rest after a failure",
        "webhook/claim",
        "tonumber(state[2] or 0) <= now",
        "true",
        WEBHOOKS.test_settle__failed__is_due_again_later_and_the_webhook_rests,
        own_list=False,
    ),
    Fault(
        "tried again at once",
        "webhook/claim",
        "'-inf', now,",
        "'-inf', '+inf',",
        WEBHOOKS.test_settle__failed_without_a_pause__leaves_others_first_and_is_tried_again,
        own_list=False,
    ),
    Fault(
        "settled by a process that has lost its lease",
        "webhook/settle",
        "~= ARGV[2] then return 0 end",
        "== 1 then return 0 end",
        WEBHOOKS.test_claim__lease_has_run_out__gives_the_same_delivery_again,
        own_list=False,
    ),
    Fault(
        "settled after its webhook was deleted",
        "webhook/settle",
        "if redis.call('HEXISTS', webhooks, id) == 0 then return 0 end",
        "if false then return 0 end if true then ARGV[2] = redis.call('HGET', state, 'lease') end",
        WEBHOOKS.test_delete__webhook_with_a_queue__leaves_nothing_and_takes_no_result,
        own_list=False,
    ),
    Fault(
        "failure lost",
        "webhook/settle",
        "if outcome == 'failed' then",
        "if outcome == 'never' then",
        WEBHOOKS.test_settle__failed__is_due_again_later_and_the_webhook_rests,
        own_list=False,
    ),
    Fault(
        "log of attempts without end",
        "webhook/settle",
        "'MAXLEN', ARGV[6], ",
        "",
        WEBHOOKS.test_settle__many__keeps_the_last_attempts,
        own_list=False,
    ),
)
