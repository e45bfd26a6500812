"""Faults of the scripts about the sets that SDKs read."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.sdk_store import SdkStoreSuite
from worker.store.server.scripts import ScriptName

SDK_STORE = SdkStoreSuite()
_OF_SETS: Final[tuple[ScriptName, ...]] = ("sdk_store/add", "sdk_store/remove", "sdk_store/sweep")

OF_SDK_STORE: Final = (
    Fault(
        "prefix of two environments",
        "sdk_store/take_prefix",
        "'HSETNX'",
        "'HSET'",
        SDK_STORE.test_prefix__taken_at_the_same_moment__belongs_to_the_first,
        own_list=False,
    ),
    Fault(
        "kept by two workers",
        "sdk_store/claim",
        "tonumber(writer[2]) > now",
        "false",
        SDK_STORE.test_claim__under_another_lease__is_refused_until_it_ends,
        own_list=False,
    ),
    Fault(
        "lease without end",
        "sdk_store/claim",
        "tonumber(writer[2]) > now",
        "true",
        SDK_STORE.test_claim__under_another_lease__is_refused_until_it_ends,
        own_list=False,
    ),
    Fault(
        "recorded without the lease",
        "sdk_store/put",
        "~= ARGV[1] then return 0 end",
        "== 1 then return 0 end",
        SDK_STORE.test_put__without_the_lease__writes_nothing,
        own_list=False,
    ),
    Fault(
        "forgotten although it is on",
        "sdk_store/forget",
        "(found[2] or '') ~= ARGV[2]",
        "false",
        SDK_STORE.test_forget__switched_on_meanwhile__keeps_the_prefix,
        own_list=False,
    ),
    Fault(
        "forgotten without the lease",
        "sdk_store/forget",
        "found[1] ~= ARGV[1]",
        "false",
        SDK_STORE.test_forget__switched_on_meanwhile__keeps_the_prefix,
        own_list=False,
    ),
    Fault(
        "sets of another name opened",
        "sdk_store/open",
        "~= ARGV[1] then return -1 end",
        "== 1 then return -1 end",
        SDK_STORE.test_sets__of_another_writer_or_name__are_left_alone,
        own_list=False,
    ),
    *(
        Fault(
            f"{script} by a worker without the lease",
            script,
            "canary[2] == writer",
            "true",
            SDK_STORE.test_sets__of_another_writer_or_name__are_left_alone,
            own_list=False,
        )
        for script in _OF_SETS
    ),
    *(
        Fault(
            f"{script} is not counted",
            script,
            "'writes', 1)",
            "'writes', 0)",
            SDK_STORE.test_sets__of_their_writer__are_changed_and_counted,
            own_list=False,
        )
        for script in _OF_SETS
    ),
)
