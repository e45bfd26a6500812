"""Faults of the scripts that read a list as it was at one moment."""

from typing import Final

from tests.conformance.faults.fault import Fault
from tests.conformance.suite.snapshots import SnapshotSuite

SNAPSHOTS = SnapshotSuite()

OF_SNAPSHOTS: Final = (
    Fault(
        "snapshot moves to the new revision",
        "list/snapshot",
        "if pinned and taken then",
        "if false then",
        SNAPSHOTS.test_snapshot__taken_again__is_the_same,
    ),
    Fault(
        "snapshot pins nothing",
        "list/snapshot",
        "redis.call('HSET', record, pin, revision .. ' ' .. until_ms)",
        "",
        SNAPSHOTS.test_snapshot__list_is_replaced_and_edited__keeps_its_revision,
    ),
    Fault(
        "snapshot cuts the life of others short",
        "list/snapshot",
        "if redis.call('PTTL', CHANGES) < tonumber(ARGV[2]) then",
        "if true then",
        SNAPSHOTS.test_snapshot__its_changes__live_as_long,
    ),
    Fault(
        "snapshot's changes live for ever",
        "list/snapshot",
        "redis.call('EXPIRE', CHANGES, math.max(1, math.ceil(tonumber(ARGV[2]) / 1000)))",
        "",
        SNAPSHOTS.test_snapshot__its_changes__live_as_long,
    ),
    Fault(
        "release forgets the changes",
        "list/release_snapshot",
        "if removed == 1 then drop_unread_changes() end",
        "",
        SNAPSHOTS.test_release__last_snapshot__leaves_nothing,
    ),
    Fault(
        "release takes the changes from others",
        "list/release_snapshot",
        "if #fields_like('snapshot:*') == 0 then",
        "if true then",
        SNAPSHOTS.test_snapshots__of_several_holders__have_each_its_moment,
    ),
    Fault(
        "release keeps the pin",
        "list/release_snapshot",
        "redis.call('HDEL', record, 'pin:' .. ARGV[1])",
        "",
        SNAPSHOTS.test_release__last_snapshot__leaves_nothing,
    ),
    Fault(
        "edits are not kept for snapshots",
        "list/edit",
        "keep_changes(name, effective)",
        "",
        SNAPSHOTS.test_snapshot__list_is_edited__is_read_as_it_was,
    ),
    Fault(
        "edits without effect are kept for snapshots",
        "list/edit",
        "if changed ~= 0 then\n      effective",
        "if true then\n      effective",
        SNAPSHOTS.test_snapshot__list_is_edited__is_read_as_it_was,
    ),
    Fault(
        "changes are kept without end",
        "list/edit",
        "if kept > MOST_CHANGES then",
        "if false then",
        SNAPSHOTS.test_snapshot__list_is_edited_too_often__is_lost,
    ),
    Fault(
        "expiries are not kept for snapshots",
        "list/expire",
        "keep_changes(revision, entry)",
        "",
        SNAPSHOTS.test_snapshot__members_expire__is_read_as_it_was,
    ),
    Fault(
        "changes of another revision are read",
        "list/read_changes",
        "and fields[2] == ARGV[4]",
        "",
        SNAPSHOTS.test_snapshot__list_is_replaced_and_edited__keeps_its_revision,
    ),
    Fault(
        "changes before a snapshot are read",
        "list/read_changes",
        "'(' .. ARGV[2], '+'",
        "ARGV[2] == ARGV[1] and '-' or '(' .. ARGV[2], '+'",
        SNAPSHOTS.test_snapshots__of_several_holders__have_each_its_moment,
    ),
    Fault(
        "lost changes are none",
        "list/read_changes",
        "return {'lost'}",
        "return {'ok', ''}",
        SNAPSHOTS.test_snapshot__list_is_edited_too_often__is_lost,
    ),
    Fault(
        "snapshot of a dead holder stays",
        "list/retire",
        "pins[i], 'snapshot:' .. holder,",
        "pins[i],",
        SNAPSHOTS.test_snapshot__holder_has_died__ends_by_itself,
    ),
    Fault(
        "changes for a dead holder stay",
        "list/retire",
        "if redis.call('HEXISTS', record, 'changes') == 1 then drop_unread_changes() end",
        "",
        SNAPSHOTS.test_snapshot__holder_has_died__ends_by_itself,
    ),
    Fault(
        "deleted list keeps changes",
        "list/delete",
        "drop_unread_changes()\ndrop_unread_feed()",
        "drop_unread_feed()",
        SNAPSHOTS.test_snapshot__list_is_deleted__is_lost,
    ),
)
