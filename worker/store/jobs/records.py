"""Imports and exports as records: what was asked for, how far it is, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar, cast, get_args

from worker.options.exports import ExportOptions
from worker.options.guards import GuardOptions
from worker.options.lists import Compression, Encoding, ListOptions
from worker.store.jobs.compositions import Composition
from worker.store.keyspace import INCLUDED, BuilderKind, EnvironmentRef, JobKind, ListRef, Side
from worker.store.records import stored

Mode = Literal["merge", "replace", "remove", "reshard"]
#: What an importer names: an object, all below a prefix, those of a glob or of a manifest.
SourceKind = Literal["object", "prefix", "glob", "manifest"]
Status = Literal["preparing", "pending_approval", "ready", "in_progress", "complete", "stopped"]
#: What may keep an import from being published without a word from its caller.
GuardName = Literal["open_quote", "rejected_rows", "empty", "shrink", "growth", "warnings"]
#: The stage of a job, in words for people.
Phase = Literal["queued", "reading", "building", "publishing", "waiting", "writing", "ended"]
Stage = Literal[
    "claim", "plan", "scatter", "size", "gather", "publish", "approval", "write", "ended"
]

#: The stage of a job that waits for its approval. It has no units, so there is no lease to hold
#: and nothing to take.
WAITING_STAGE: Final = "approval"

#: Names of list files that are shown together, and the characters of each.
_SHOWN_NAMES: Final = 3
_SHOWN_CHARACTERS: Final = 300

#: What a caller sees of each stage, in LaunchDarkly's words; an import that is to wait for an
#: approval is `preparing` until it is built.
STATUS_OF_STAGE: dict[str, Status] = {
    "claim": "preparing",
    "plan": "ready",
    "scatter": "in_progress",
    "size": "in_progress",
    "gather": "in_progress",
    "publish": "in_progress",
    "approval": "pending_approval",
    "write": "in_progress",
}


@dataclass(frozen=True, slots=True)
class JobRef:
    """Names a job everywhere: in messages, in logs and in the active set."""

    kind: JobKind
    env: EnvironmentRef
    job_id: str

    def __str__(self) -> str:
        """The form that travels in messages: ``import:project:environment:id``."""
        env = self.env
        return f"{self.kind}:{env.project}:{env.environment}:{self.job_id}"

    @classmethod
    def parse(cls, text: str) -> "JobRef":
        """Read the message form.

        Raises:
            ValueError: the text is not of that form.
        """
        kind, project, environment, job_id = text.split(":")
        if kind not in get_args(JobKind):
            message = f"{kind} is not a job kind"
            raise ValueError(message)
        return cls(cast("JobKind", kind), EnvironmentRef(project, environment), job_id)


@stored
@dataclass(frozen=True, slots=True)
class SourceFile:
    """One list file of an import, or what names several."""

    bucket: str
    key: str
    filename: str
    uploaded: bool
    """Whether the file came through the API, so that it is deleted when the import ends."""
    size_bytes: int | None = None
    etag: str | None = None
    kind: SourceKind = "object"


@stored
@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What was asked of an import; never changes."""

    import_id: str
    list_ref: ListRef
    mode: Mode
    sources: tuple[SourceFile, ...]
    allow_empty: bool
    created_ms: int
    initiator: str = ""
    waits: bool = False
    """Whether it is published only after an approval."""
    allow_rejected: bool = False
    """Whether a file may be imported of which most rows, or all, are rejected."""
    allow_shrink: bool = False
    """Whether a replace or a remove may take away most of a list."""
    reading: ListOptions = field(default_factory=ListOptions)
    """How the list files are read."""
    side: Side = INCLUDED
    """The list that is changed; the other one stays as it is."""
    inbox_ms: int | None = None
    """Of an import of an object of the inbox: when that was put there, Unix ms."""
    guards: GuardOptions = field(default_factory=GuardOptions)
    """What happens when a guard trips, and where they trip."""
    allow_erased: bool = False
    """Whether it may bring back keys that were erased from the environment."""
    dry_run: bool = False
    """Whether it only reports what it would do: it builds, publishes nothing and keeps nothing."""
    composition: Composition | None = None
    """What it is made of, if not of files."""

    @property
    def source_names(self) -> str:
        """What it reads, in words for people: the first few names."""
        if self.composition is not None:
            return str(self.composition)
        names = [source.filename for source in self.sources]
        more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
        return ", ".join(name[:_SHOWN_CHARACTERS] for name in names[:_SHOWN_NAMES]) + more

    @property
    def kind(self) -> BuilderKind:
        """The kind of job: a re-shard is the store's own, and gives way to an import."""
        return "reshard" if self.mode == "reshard" else "import"

    @property
    def ref(self) -> JobRef:
        """The job's name."""
        return JobRef(self.kind, self.list_ref.env, self.import_id)


@stored
@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What was asked of an export; never changes."""

    export_id: str
    list_ref: ListRef
    created_ms: int
    options: ExportOptions = field(default_factory=ExportOptions)
    """How the keys are written, and where to."""
    initiator: str = ""

    @property
    def ref(self) -> JobRef:
        """The job's name."""
        return JobRef("export", self.list_ref.env, self.export_id)


JobRequest = ImportRequest | ExportRequest
Request = TypeVar("Request", ImportRequest, ExportRequest)


@stored
@dataclass(frozen=True, slots=True)
class DetectedList:
    """How a list file is read, as its content and the request say."""

    format: Literal["csv", "jsonl", "parquet"]
    compression: Compression
    encoding: Encoding | None
    """``None`` of Parquet."""
    delimiter: Literal["comma", "semicolon", "pipe", "tab"] | None
    """``None`` of what is no table of text."""
    header: bool
    column: int
    """The column of the keys, from 1; of JSON Lines the place of its field in the first object."""
    first_rows: tuple[tuple[str, ...], ...] = ()
    """Cells of the first rows, masked: they may be context keys."""


@stored
@dataclass(frozen=True, slots=True)
class SelectedFiles:
    """How many files an import has, and what of the objects that it names it has skipped."""

    total: int
    attempt: str
    """The try at the plan that has found them; part of the names under which they are stored."""
    skipped: dict[str, int] = field(default_factory=dict)
    """By the reason."""
    skipped_first: tuple[tuple[str, str], ...] = ()
    """Address and reason of the first ones."""


@stored
@dataclass(frozen=True, slots=True)
class Objection:
    """The guard that tripped, so that an import needs an approval or was stopped."""

    guard: GuardName
    message: str
    """What is unusual, in numbers, and what to do if it is intended."""


@stored
@dataclass(frozen=True, slots=True)
class Preview:
    """Keys of which publishing a build changes the state, and some of which it does not.

    They are the first by hash, which is as good as random, and at most twenty of each.
    """

    added: tuple[str, ...] = ()
    """In the build, not in the live list."""
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    """In both."""


@stored
@dataclass(frozen=True, slots=True)
class PreviousImport:
    """The last import that was published before another one claimed the list."""

    import_id: str
    published_ms: int
    edits_since: int
    """Requests that edited the list since, and removals of expired members."""


@stored
@dataclass(frozen=True, slots=True)
class RejectedFile:
    """The object that holds all rejected rows of an import."""

    bucket: str
    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; a unit that is done again counts from where it was before."""

    stage: str
    phase: Phase
    """The same in words for people."""
    share: float
    """How much is done over all stages, from 0 to 1; 1 only when it is complete."""
    bytes_done: int
    bytes_total: int
    rows_done: int
    started_ms: int | None
    touched_ms: int | None
    """When a unit was last taken, renewed or finished."""


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a job, as its record holds it."""

    request: JobRequest
    stage: str
    units: int
    status: Status
    reason: str | None
    """Why it was stopped; while a guard has it wait for an approval, why it does."""
    progress: Progress
    ended_ms: int | None
    report: dict[str, Any] | None = field(default=None)
    """The report of a complete job, in wire names. While an import waits for its approval:
    what publishing would report, with the edits replayed so far. ``None`` before that."""
    previous: PreviousImport | None = None
    """Of an import: the import before it, as of this one's claim."""
    entered: Mapping[str, int] = field(default_factory=dict)
    """When each stage was entered last, Unix ms."""
    supersedes: str | None = None
    """Of an import: the one that waited for an approval and was dropped for it."""
    detected: DetectedList | None = None
    """Of an import: what its list is, once a worker has looked at it."""
    files: SelectedFiles | None = None
    """Of an import: its list files, once a worker has looked for them."""
    rejected: RejectedFile | None = None
    """Of an import: its rejected rows, once all rows are read, if there are any."""
    objection: Objection | None = None
    """Of an import: the guard that tripped, if one did."""
    discarded_by: str | None = None
    """Of a complete export: who has deleted its files."""
    files_deleted_ms: int | None = None
    """Of an export: when its files were deleted, Unix ms."""


@dataclass(frozen=True, slots=True)
class JobOverview(Generic[Request]):
    """What an import or export is and whether it has ended, without how far it is."""

    request: Request
    status: Status
