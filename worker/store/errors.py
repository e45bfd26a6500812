"""Everything that the membership store raises.

Any call may raise StoreUnavailable, and retrying is safe then unless the call says otherwise;
docstrings name it only where they add something.

StoreError
├── StoreUnavailable (transient)     no answer, or one that a retry may change
├── ListUnknown (transient)          a shard or record is missing, so no answer is certain
├── ResourceChanged (transient)      it was changed since it was read
├── Unsealed (transient)             a build was opened again since its shards were counted
├── RelaysNotServed (transient)      no worker keeps what Relay Proxies are sent
├── RelayNotAdmitted (transient)     a Relay Proxy may hold what is in no list any more
├── OutOfMemory (terminal)           the server refused a write for lack of memory
├── StoreRefused (terminal)          the server refused the command itself
│   └── RightsMissing                the server's user may not run commands that are needed
├── UnreadableRecord (terminal)      a stored value is damaged or of another release
├── MemberCorrupt (terminal)         a shard holds bytes that no context key packs to
├── ShardInvalid (terminal)          the members are not a valid set of these shards
├── BrokerRefused (terminal)         the broker cannot be used as it is
├── ProjectNotFound (terminal)
├── EnvironmentNotFound (terminal)
├── ProjectExists (terminal)
├── EnvironmentExists (terminal)
├── LastProject (terminal)           a store always has a project
├── SegmentNotFound (terminal)
├── SegmentExists (terminal)
├── SegmentReferenced (terminal)      other segments or flags of the project name it
├── KeyInOtherList (terminal)        an edit was to be made only if its key is not there
├── JobNotFound (terminal)
├── AuditEntryNotFound (terminal)
├── TokenNotFound (terminal)
├── SdkKeyNotFound (terminal)
├── SdkPrefixTaken (terminal)        another environment has the prefix of SDK sets
├── SdkSetsLost (terminal)           the sets that SDKs read are another one's, or gone
├── DefinitionsNotFound (terminal)
├── WebhookNotFound (terminal)
├── TooManyWebhooks (terminal)       the environment has as many webhooks as it may
├── TooManyTokens (terminal)         the store has its maximum of access tokens or SDK keys
├── TooManyLists (terminal)          the segment has as many attached lists as it may
├── TooManySegments (terminal)       the project holds as many segments, or bytes, as it may
├── ImportInProgress (terminal)      another import holds the segment
├── ImportNotWaiting (terminal)      this import is not waiting for an approval
├── ImportOver (terminal)            this import has ended, so it cannot be cancelled
├── RevisionNotFound (terminal)      the list keeps no revision of this number
├── RevisionDamaged (terminal)       part of a kept revision is missing from the server
├── SnapshotLost (terminal)          a list cannot be read as it was any more
├── EditsSince (terminal)            edits would not be in the revision to be published
├── Unapproved (terminal)            this import is published only after its approval
└── Fenced (terminal)                this import no longer holds the segment
    ├── Superseded                   another import has superseded it
    └── Cancelled                    somebody has cancelled it
"""

from typing import Self

from worker.errors import TerminalError, TransientError


class StoreError(Exception):
    """The root; each error below is also transient or terminal."""


class StoreUnavailable(StoreError, TransientError):
    """Redis did not answer in time, or is loading, failing over or resharding. Retry."""


class ListUnknown(StoreError, TransientError):
    """Part of a list is missing from the server, so no answer would be certain.

    Restore the server's data, or import the list again with mode ``replace``.
    """


class ResourceChanged(StoreError, TransientError):
    """It was changed since it was read. Read it again and decide again."""


class Unsealed(StoreError, TransientError):
    """The build was opened again since its shards were counted. Seal and count again."""


class RelaysNotServed(StoreError, TransientError):
    """No worker keeps the log of changes from which Relay Proxies are sent what they miss."""


class RelayNotAdmitted(StoreError, TransientError):
    """What a Relay Proxy holds is not known, so that nothing that it is sent would make it right.

    It may begin anew under other references, some minutes later or once it is emptied.
    """


class OutOfMemory(StoreError, TerminalError):
    """The server is at its memory limit and refused to write."""


class StoreRefused(StoreError, TerminalError):
    """The server understood the command and refused it; retrying does not help."""


class RightsMissing(StoreRefused):
    """The server's user lacks rights; the message names every command that is missing."""


class UnreadableRecord(StoreError, TerminalError):
    """A stored value is damaged, or another release wrote it in another form."""

    @classmethod
    def of(cls, name: str) -> Self:
        """The error about a record, named like ``segment beta in default:production``."""
        return cls(
            f"cannot read {name}: it is damaged, or another release wrote it;"
            " restore it from a backup, or run that release"
        )


class MemberCorrupt(StoreError, TerminalError):
    """A shard holds bytes that no context key packs to; something else wrote to it.

    Import the list again with mode ``replace``.
    """


class ShardInvalid(StoreError, TerminalError):
    """Members out of order, repeated or in the wrong range: a fault of the caller.

    Nothing was sent.
    """


class BrokerRefused(StoreError, TerminalError):
    """The broker cannot be used as it is; the message says what to set."""


class ProjectNotFound(StoreError, TerminalError):
    """No project has this key."""


class EnvironmentNotFound(StoreError, TerminalError):
    """The project has no environment with this key."""


class ProjectExists(StoreError, TerminalError):
    """A project has this key, or had it and what it held is not all freed yet."""


class EnvironmentExists(StoreError, TerminalError):
    """The project already has an environment with this key."""


class LastProject(StoreError, TerminalError):
    """The only project cannot be deleted."""


class SegmentNotFound(StoreError, TerminalError):
    """The environment has no segment with this key."""


class SegmentExists(StoreError, TerminalError):
    """The environment already has a segment with this key."""


class SegmentReferenced(StoreError, TerminalError):
    """Other segments or flags of the project name the one that was to be deleted."""


class KeyInOtherList(StoreError, TerminalError):
    """A key is in the other list, and the edit was on the condition that it is not."""


class JobNotFound(StoreError, TerminalError):
    """No import or export has this id in this segment."""


class AuditEntryNotFound(StoreError, TerminalError):
    """No entry of the audit log has this id, or it was dropped since."""


class TokenNotFound(StoreError, TerminalError):
    """No access token has this id."""


class SdkKeyNotFound(StoreError, TerminalError):
    """The project has no SDK key with this id."""


class SdkPrefixTaken(StoreError, TerminalError):
    """The prefix belongs to the sets of another environment, or this one still has others."""


class SdkSetsLost(StoreError, TerminalError):
    """The sets that SDKs read are gone, have lost writes, or another worker keeps them now."""


class DefinitionsNotFound(StoreError, TerminalError):
    """The project has no definitions of flags."""


class TooManyTokens(StoreError, TerminalError):
    """The store has its maximum of access tokens, or of SDK keys."""


class WebhookNotFound(StoreError, TerminalError):
    """The environment has no webhook with this id."""


class TooManyWebhooks(StoreError, TerminalError):
    """The environment has its maximum of webhooks."""


class TooManySegments(StoreError, TerminalError):
    """The project holds as many segments, or as many bytes of them, as it may."""


class TooManyLists(StoreError, TerminalError):
    """The segment has as many lists attached as it may."""


class TooManyErasures(StoreError, TerminalError):
    """The environment has its maximum of erased keys."""


class ErasuresUnderWay(StoreError, TransientError):
    """As many erasures as are kept are under way. Safe to retry when some are complete."""


class ErasureNotFound(StoreError, TerminalError):
    """The environment has no erasure with this id, or its receipt was dropped since."""


class ImportInProgress(StoreError, TerminalError):
    """Another import holds the segment; wait for it to end."""


class Fenced(StoreError, TerminalError):
    """The list record names another import, or none: this one must stop writing."""


class Superseded(Fenced):
    """A newer import has superseded this one, which cannot claim the list again."""


class Cancelled(Fenced):
    """Somebody has cancelled this import, which cannot claim the list again."""


class Unapproved(StoreError, TerminalError):
    """The import is published only after an approval, which it does not have yet."""


class ImportNotWaiting(StoreError, TerminalError):
    """The import is not waiting for an approval; the message says why."""


class ImportOver(StoreError, TerminalError):
    """The import is published or has ended, so it cannot be cancelled; the message says how."""


class RevisionNotFound(StoreError, TerminalError):
    """The list keeps no revision of this number, or no longer."""


class RevisionDamaged(StoreError, TerminalError):
    """Part of a kept revision is missing from the server, so it cannot be published."""


class SnapshotLost(StoreError, TerminalError):
    """What has changed a list since its snapshot is gone, so it cannot be read as it was."""


class EditsSince(StoreError, TerminalError):
    """Edits were made that are not in the revision that was to be published."""


class ScheduleNotFound(StoreError, TerminalError):
    """The segment has no export schedule with this key."""


class ScheduleExists(StoreError, TerminalError):
    """The segment already has an export schedule with this key."""


class TooManySchedules(StoreError, TerminalError):
    """The environment has as many export schedules as it may."""
