"""Every Redis key, each built by one function; ``KEYSPACE.md`` describes what they hold."""

from dataclasses import dataclass
from typing import Final, Literal

Side = Literal["included", "excluded"]
JobKind = Literal["import", "export", "reshard"]
#: The kinds that build a revision of a list.
BuilderKind = Literal["import", "reshard"]
WebhookPart = Literal["queue", "deliveries", "attempts", "state"]
SdkLogPart = Literal["entries", "refs", "strangers"]
SDK_LOG_PARTS: Final[tuple[SdkLogPart, ...]] = ("entries", "refs", "strangers")

#: In place of an environment's key: holds the lists that belong to a project itself. No
#: environment can be called so, because keys begin with a letter or a digit.
PROJECT_LISTS: Final = "_project"

INCLUDED: Side = "included"
EXCLUDED: Side = "excluded"


@dataclass(frozen=True, slots=True, order=True)
class EnvironmentRef:
    """One environment of one project."""

    project: str
    environment: str

    @classmethod
    def of_project(cls, project: str) -> "EnvironmentRef":
        """What holds the lists that belong to the project itself; callers never name it."""
        return cls(project, PROJECT_LISTS)

    @property
    def is_of_project(self) -> bool:
        """Whether it holds the lists that belong to the project itself."""
        return self.environment == PROJECT_LISTS


@dataclass(frozen=True, slots=True, order=True)
class ListRef:
    """The two lists of one generation of one segment."""

    project: str
    environment: str
    segment: str
    generation: int

    @property
    def env(self) -> EnvironmentRef:
        """The environment that holds the segment."""
        return EnvironmentRef(self.project, self.environment)

    @property
    def name(self) -> str:
        """``segment.g3``, the way SDKs refer to a generation."""
        return f"{self.segment}.g{self.generation}"


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Names of all keys under one prefix.

    Everything about one list shares the hash tag ``{project:environment:segment.gN}``
    and so one slot of a cluster; everything about one environment shares another.
    """

    prefix: str

    def projects(self) -> str:
        """Hash: project key to JSON. Its absence means the store has lost its data."""
        return f"{self.prefix}:projects"

    def environments(self, project: str) -> str:
        """Hash: environment key to JSON."""
        return f"{self.prefix}:{{{project}}}:environments"

    def project_segments(self, project: str, created_ms: int) -> str:
        """Hash: segments of a project that was created at this time, and a mark of changes."""
        return f"{self.prefix}:{{{project}}}:segments:{created_ms}"

    def access_tokens(self) -> str:
        """Hash: access tokens, their use, SDK keys, and a mark that every change replaces."""
        return f"{self.prefix}:tokens"

    def turn(self, name: str) -> str:
        """String with a time to live: whose turn a periodic chore is."""
        return f"{self.prefix}:turn:{name}"

    def reservations(self) -> str:
        """Hash: job reference to bytes that its build may still write."""
        return f"{self.prefix}:reservations"

    def expiring_rejected(self) -> str:
        """Sorted set: imports that may have a file of rejected rows, by when it is deleted."""
        return f"{self.prefix}:expiring-rejected"

    def expiring_exports(self) -> str:
        """Sorted set: export references by the Unix ms at which their file is deleted."""
        return f"{self.prefix}:expiring-exports"

    def inbox_hints(self) -> str:
        """Hash: prefixes of keys of the inbox that are to be looked at soon, by Unix ms."""
        return f"{self.prefix}:inbox:hints"

    def inbox_scan(self) -> str:
        """Hash: how far the listing of the whole inbox is."""
        return f"{self.prefix}:inbox:scan"

    def inbox_settled(self) -> str:
        """Sorted set: import ids of objects that stay in the inbox, by when they were settled."""
        return f"{self.prefix}:inbox:settled"

    def inbox_newest(self, ref: ListRef) -> str:
        """Sorted set: mode by when the newest object of the inbox for a list was put there."""
        return f"{self._environment(ref.env)}:inbox:{ref.name}"

    def request(self, name: str) -> str:
        """String with a time to live: the outcome of a request with an idempotency key."""
        return f"{self.prefix}:request:{name}"

    def limits(self) -> str:
        """Prefix of strings with a time to live: requests counted in a window."""
        return f"{self.prefix}:limits"

    def writing(self) -> str:
        """Hash: how each process that writes shards goes on now."""
        return f"{self.prefix}:writing"

    def counters(self) -> str:
        """Hash: what all processes counted, in total."""
        return f"{self.prefix}:{{monitoring}}:counters"

    def counted(self, process: str) -> str:
        """String with a time to live: the last batch of a process that was counted."""
        return f"{self.prefix}:{{monitoring}}:counted:{process}"

    def survey(self) -> str:
        """String: what upkeep found in its last survey."""
        return f"{self.prefix}:{{monitoring}}:survey"

    def expiry_hints(self) -> str:
        """Sorted set: lists and segments by the Unix ms at which one of their targets expires."""
        return f"{self.prefix}:expiry-hints"

    def segments(self, env: EnvironmentRef) -> str:
        """Hash: segment key to definition JSON."""
        return f"{self._environment(env)}:segments"

    def generations(self, env: EnvironmentRef) -> str:
        """Hash: segment key to the last generation used; survives a delete."""
        return f"{self._environment(env)}:generations"

    def targeting(self, env: EnvironmentRef, segment: str) -> str:
        """String: the targets and rules of a standard segment, as JSON."""
        return f"{self._environment(env)}:targeting:{segment}"

    def environment_state(self, env: EnvironmentRef) -> str:
        """Hash: a mark that every change of a definition replaces, and whether it is closed."""
        return f"{self._environment(env)}:state"

    def flag_data(self, env: EnvironmentRef) -> str:
        """Hash: what is known of the flags that SDKs evaluate with."""
        return f"{self._environment(env)}:flag-data"

    def flag_document(self, env: EnvironmentRef, revision: str) -> str:
        """Hash: those flags, compressed, in pieces."""
        return f"{self._environment(env)}:flag-data:{revision}"

    def audit_log(self, env: EnvironmentRef) -> str:
        """Stream: who changed what in the environment."""
        return f"{self._environment(env)}:audit"

    def account_audit_log(self) -> str:
        """Stream: who changed which project, environment or access token."""
        return f"{self.prefix}:audit"

    def active_jobs(self, env: EnvironmentRef) -> str:
        """Set: references of the jobs that have not ended."""
        return f"{self._environment(env)}:jobs"

    def reclaimable_lists(self, env: EnvironmentRef) -> str:
        """Set: ``segment.gN`` of the lists that have, or soon may have, shards to be reclaimed."""
        return f"{self._environment(env)}:reclaimable"

    def unsettled_lists(self, env: EnvironmentRef) -> str:
        """Sorted set: keys of lists that are being attached or detached, by Unix ms."""
        return f"{self._environment(env)}:unsettled"

    def uploads(self, env: EnvironmentRef) -> str:
        """Hash: direct uploads that have not become part of an import, id to JSON."""
        return f"{self._environment(env)}:uploads"

    def erasures(self, env: EnvironmentRef) -> str:
        """Hash: erasures of context keys, id to JSON."""
        return f"{self._environment(env)}:erasures"

    def erased(self, env: EnvironmentRef) -> str:
        """Hash: salted hashes of the keys that were erased, and the salt."""
        return f"{self._environment(env)}:erased"

    def previews(self, env: EnvironmentRef) -> str:
        """Sorted set: ids of imports that may have a preview, by when it was taken."""
        return f"{self._environment(env)}:previews"

    def export_schedules(self, env: EnvironmentRef) -> str:
        """Hash: the schedules of exports, list and key to JSON."""
        return f"{self._environment(env)}:export-schedules"

    def export_schedule_files(self, env: EnvironmentRef, schedule_id: str) -> str:
        """Hash: files that one schedule keeps for a while, export id to JSON."""
        return f"{self.export_schedules(env)}:{schedule_id}:files"

    def job(self, env: EnvironmentRef, kind: JobKind, job_id: str) -> str:
        """Hash: record, finished units and leases of one job."""
        return f"{self._environment(env)}:{kind}:{job_id}"

    def job_files(self, env: EnvironmentRef, kind: JobKind, job_id: str) -> str:
        """Hash: the list files of one import, and their figures."""
        return f"{self.job(env, kind, job_id)}:files"

    def webhooks(self, env: EnvironmentRef) -> str:
        """Hash: webhook id to JSON."""
        return f"{self._environment(env)}:webhooks"

    def webhook_part(self, env: EnvironmentRef, webhook_id: str, part: WebhookPart) -> str:
        """What waits for one webhook, the last attempts at it, and how it is."""
        return f"{self.webhooks(env)}:{webhook_id}:{part}"

    def webhook_environments(self) -> str:
        """Set: environments in which workers look for deliveries."""
        return f"{self.prefix}:webhook-environments"

    def sdk_stores(self) -> str:
        """Hash: prefix of the keys that SDKs read to the environment whose lists they are."""
        return f"{self.prefix}:sdk-stores"

    def sdk_store(self, env: EnvironmentRef) -> str:
        """Hash: whether the environment's lists are kept for SDKs, and how far that is."""
        return f"{self._environment(env)}:sdk-store"

    def sdk_log(self, env: EnvironmentRef, part: SdkLogPart | None = None) -> str:
        """Hash, or a part beside it: what relays are sent after they have copied all lists."""
        log = f"{self._environment(env)}:sdk-log"
        return log if part is None else f"{log}:{part}"

    def imports(self, ref: ListRef) -> str:
        """Sorted set: ids of a list's newest imports, by when they were created."""
        return f"{self._environment(ref.env)}:imports:{ref.name}"

    def environment_imports(self, env: EnvironmentRef) -> str:
        """Sorted set: ids of the newest imports of all lists, by when they were created."""
        return f"{self._environment(env)}:imports"

    def exports(self, ref: ListRef) -> str:
        """Sorted set: ids of a list's newest exports, by when they were created."""
        return f"{self._environment(ref.env)}:exports:{ref.name}"

    def environment_exports(self, env: EnvironmentRef) -> str:
        """Sorted set: ids of the newest exports of all lists, by when they were created."""
        return f"{self._environment(env)}:exports"

    def list_record(self, ref: ListRef) -> str:
        """Hash: the list's live revision, counts and the import that is building."""
        return f"{self.list_prefix(ref)}list"

    def fence(self, ref: ListRef) -> str:
        """String: name of the revision whose shards may be written now."""
        return f"{self.list_prefix(ref)}fence"

    def edits(self, ref: ListRef) -> str:
        """Stream: edits made while an import is building."""
        return f"{self.list_prefix(ref)}edits"

    def changes(self, ref: ListRef) -> str:
        """Stream: what has changed the list while a snapshot of it may be read."""
        return f"{self.list_prefix(ref)}changes"

    def feed(self, ref: ListRef) -> str:
        """Stream: what changes the list while somebody follows it."""
        return f"{self.list_prefix(ref)}feed"

    def schedules(self, ref: ListRef) -> str:
        """Sorted set: members to be removed, by Unix ms; details are in a hash beside it."""
        return f"{self.list_prefix(ref)}expiring"

    def shard(self, ref: ListRef, revision: str, side: Side, index: int) -> str:
        """Set: one shard of one revision's included or excluded list."""
        return f"{self.shard_prefix(ref, revision, side)}{index:04x}"

    def shard_prefix(self, ref: ListRef, revision: str, side: Side) -> str:
        """What the names of a side's shards begin with; an index of four digits or more follows."""
        return f"{self.list_prefix(ref)}{revision}:{side}:"

    def list_prefix(self, ref: ListRef) -> str:
        """The prefix of all keys of a list."""
        return f"{self.prefix}:{{{ref.project}:{ref.environment}:{ref.name}}}:"

    def _environment(self, env: EnvironmentRef) -> str:
        return f"{self.prefix}:{{{env.project}:{env.environment}}}"
