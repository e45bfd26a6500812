"""Settings of what is kept, and for how long."""

from pydantic import Field

from worker.settings.environment import EnvironmentSettings


class RetentionSettings(EnvironmentSettings):
    """How long replaced revisions, files of exports and unapproved imports are kept."""

    retire_after_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="Seconds a replaced revision is kept for readers that still believe in it.",
    )
    kept_revisions: int = Field(
        default=2,
        ge=0,
        le=20,
        description="Replaced revisions of a list that are kept to be published again, the last "
        "ones. Each takes as much memory as the list did, unless the store is short of it.",
    )
    kept_revisions_s: int = Field(
        default=7 * 86_400,
        ge=0,
        le=366 * 86_400,
        description="Seconds a replaced revision is kept to be published again.",
    )
    kept_memory_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of a server's memory limit, used or reserved by imports, above which "
        "kept revisions are freed, the oldest of each list first. An import that would not fit "
        "frees them as well.",
    )
    export_retention_s: int = Field(
        default=7 * 86_400,
        ge=60,
        description="Seconds an exported file is kept; it holds personal data.",
    )
    erased_keys_s: int = Field(
        default=0,
        ge=0,
        description="Seconds for which imports leave out a key that was erased: as long as a file "
        "that still has it may be imported. 0 means for good; an environment has room for 100,000.",
    )
    approval_ttl: float = Field(
        default=7 * 86_400.0,
        gt=0,
        le=60 * 86_400,
        description="Seconds an import that is built waits for its approval before it is stopped; "
        "what it built is kept in memory meanwhile.",
    )
    approval_journal_ops: int = Field(
        default=1_000_000,
        ge=1,
        description="Edits that may be left to replay onto an import that waits for its approval "
        "before it is stopped; about 100 bytes each. Far fewer are, while a worker runs.",
    )
