"""The lists of big segments: included and excluded members, packed in shards.

``membership_store`` reads, edits and deletes; ``lookups`` is the protocol of look-ups, and
``bulk_lookups`` that of many keys at once; ``builds`` is how an import makes and publishes a
revision, whose shards ``shard_writer`` writes;
``browsing`` reads pages and samples; ``kept_revisions`` publishes a replaced one again;
``schedules`` removes members at a set time; ``erasing`` takes one out of every revision;
``feeds`` tell those who keep a copy of a list what changes it, and ``comparing`` what differs
between two revisions.
"""

from worker.store.lists.browsing import BrowsedList, BrowsePosition, MemberBrowser, MemberPage
from worker.store.lists.builds import BuildStore, Claim, Expected, Held, Published, Sealed
from worker.store.lists.bulk_lookups import (
    IN_EXCLUDED,
    IN_INCLUDED,
    AskedMembers,
    Codes,
    Part,
    encode_part,
    parts_of,
    read_part,
)
from worker.store.lists.comparing import SideChanges, differences, read_whole
from worker.store.lists.erasing import (
    MemberErased,
    drop_changes_of,
    erase_member,
    forget_erasure,
)
from worker.store.lists.feeds import (
    FeedEntries,
    FeedLost,
    FeedOp,
    FeedPosition,
    FeedStore,
    Followed,
    ListGone,
)
from worker.store.lists.kept_revisions import (
    KeptRevision,
    KeptRevisions,
    is_restorable,
    replaced_ms_of,
)
from worker.store.lists.lookups import (
    Belief,
    Command,
    Fault,
    Membership,
    Outcome,
    Stale,
    lookup_commands,
    read_outcomes,
    refused_outcome,
    unsettled_list,
)
from worker.store.lists.membership_store import (
    OPS_PER_CALL,
    Edit,
    EditOp,
    ListState,
    MembershipStore,
)
from worker.store.lists.pace import PACE_REASONS, Pace
from worker.store.lists.revisions import (
    FIRST_BITS,
    MOST_MEAN_LOAD,
    NONE_KEPT,
    Retention,
    Revision,
    bits_for,
    outgrows,
)
from worker.store.lists.schedules import (
    MOST_SCHEDULES,
    Expired,
    Schedule,
    ScheduleAct,
    ScheduleAnswer,
    ScheduleChange,
    change_schedules,
    earliest_schedule_ms,
    expire_members,
    prune_schedules,
    read_schedules,
)
from worker.store.lists.shard_reader import pin, read_shards, unpin
from worker.store.lists.shard_sizes import shards_bytes
from worker.store.lists.shard_writer import ShardWriter
from worker.store.lists.snapshots import Snapshot, release_snapshot, states_at, take_snapshot
from worker.store.lists.window_sender import Pacing
from worker.store.lists.writing import Writing, WritingBoard

__all__ = [
    "FIRST_BITS",
    "IN_EXCLUDED",
    "IN_INCLUDED",
    "MOST_MEAN_LOAD",
    "MOST_SCHEDULES",
    "NONE_KEPT",
    "OPS_PER_CALL",
    "PACE_REASONS",
    "AskedMembers",
    "Belief",
    "BrowsePosition",
    "BrowsedList",
    "BuildStore",
    "Claim",
    "Codes",
    "Command",
    "Edit",
    "EditOp",
    "Expected",
    "Expired",
    "Fault",
    "FeedEntries",
    "FeedLost",
    "FeedOp",
    "FeedPosition",
    "FeedStore",
    "Followed",
    "Held",
    "KeptRevision",
    "KeptRevisions",
    "ListGone",
    "ListState",
    "MemberBrowser",
    "MemberErased",
    "MemberPage",
    "Membership",
    "MembershipStore",
    "Outcome",
    "Pace",
    "Pacing",
    "Part",
    "Published",
    "Retention",
    "Revision",
    "Schedule",
    "ScheduleAct",
    "ScheduleAnswer",
    "ScheduleChange",
    "Sealed",
    "ShardWriter",
    "SideChanges",
    "Snapshot",
    "Stale",
    "Writing",
    "WritingBoard",
    "bits_for",
    "change_schedules",
    "differences",
    "drop_changes_of",
    "earliest_schedule_ms",
    "encode_part",
    "erase_member",
    "expire_members",
    "forget_erasure",
    "is_restorable",
    "lookup_commands",
    "outgrows",
    "parts_of",
    "pin",
    "prune_schedules",
    "read_outcomes",
    "read_part",
    "read_schedules",
    "read_shards",
    "read_whole",
    "refused_outcome",
    "release_snapshot",
    "replaced_ms_of",
    "shards_bytes",
    "states_at",
    "take_snapshot",
    "unpin",
    "unsettled_list",
]
