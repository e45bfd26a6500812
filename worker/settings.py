"""Settings of the store, the objects and the worker, read from ``BIGSEG_*``.

Every field states its unit and the reason for its default in ``description``; a test compares
the table in ``deploy/README.md`` with these.
"""

import contextlib
import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from worker.receiver_addresses import AllowedReceivers
from worker.redis_urls import RedisAddress, parse_redis_url

#: Entries of the log of changes that are kept for each environment.
AUDIT_ENTRIES: Final = 10_000
#: Seconds for which the record of an ended job can be read.
JOB_RETENTION_S: Final = 30 * 86_400


def _decode_list(value: object) -> object:
    """Read a JSON list; the settings library's own refusal does not name the variable."""
    decoded = value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            decoded = json.loads(value)
    if isinstance(decoded, list | tuple) and all(isinstance(item, str) for item in decoded):
        return tuple(decoded)
    raise ValueError('must be a JSON list of strings, such as ["…", "…"]')


#: A setting that is a list of strings.
TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_decode_list)]


class StoreSettings(BaseSettings):
    """Where the membership store and the broker are."""

    model_config = SettingsConfigDict(
        # An invalid URL may hold a password.
        env_prefix="BIGSEG_",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="URL of the membership store, a single server or any node of a cluster, in "
        "one of the forms of the runbook; secret, because it may hold a password.",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="URL of Celery's broker, of the same forms; unset means `BIGSEG_REDIS_URL`. A "
        "cluster is refused, because the broker's lists cannot be spread over slots.",
    )
    key_prefix: str = Field(
        default="bigseg",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="First part of every key, so that several systems can share a server.",
    )
    redis_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="Seconds to wait for one reply outside the look-ups; long enough for a "
        "server that is forking, short enough to notice one that is gone.",
    )
    redis_connections: int = Field(
        default=8,
        ge=2,
        le=1_000,
        description="Connections one process opens at most to the store, to each node of a "
        "cluster, outside the look-ups; those unused for five seconds are closed. More would "
        "wait for the same interpreter, and a server has room for so many clients only.",
    )
    audit_entries: int = Field(
        default=AUDIT_ENTRIES,
        ge=1,
        le=1_000_000,
        description="Entries of the log of changes kept for each environment, and for the "
        "account; about 1 KiB each, at most 4 KiB. Older ones are forgotten.",
    )
    job_retention_s: int = Field(
        default=JOB_RETENTION_S,
        ge=60,
        description="Seconds the record of an ended import or export is kept, and the file of an "
        "import's rejected rows, which holds personal data.",
    )

    webhook_allowed: TextList = Field(
        default=(),
        description="JSON list of hosts, addresses and networks inside, such as "
        '`["hooks.internal", "10.0.0.0/8"]`, that webhooks may lead to, also without TLS. Others '
        "that are loopback, private, link-local or multicast are refused, so that nobody can have "
        "bigseg ask what only it can reach.",
    )

    @field_validator("webhook_allowed")
    @classmethod
    def _are_receivers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        AllowedReceivers.parse(texts)
        return texts

    @property
    def webhook_receivers(self) -> AllowedReceivers:
        """What inside webhooks may lead to."""
        return AllowedReceivers.parse(self.webhook_allowed)

    @field_validator("broker_url")
    @classmethod
    def _blank_is_unset(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None or not url.get_secret_value().strip() else url

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _can_be_dialled(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            address = parse_redis_url(url.get_secret_value())
            if address.tls is not None:
                address.tls.context()
        return url

    @property
    def store_address(self) -> RedisAddress:
        """Where the membership store is."""
        return parse_redis_url(self.redis_url.get_secret_value())

    @property
    def broker_address(self) -> RedisAddress:
        """Where the broker is: the store, when no other is set."""
        return parse_redis_url((self.broker_url or self.redis_url).get_secret_value())


class ObjectSettings(BaseSettings):
    """Where list files, spills and exports are."""

    model_config = SettingsConfigDict(env_prefix="BIGSEG_", extra="ignore", frozen=True)

    s3_endpoint: str | None = Field(
        default=None,
        description="URL of an S3-compatible service; unset means AWS itself. Credentials come "
        "from the usual AWS variables or profile.",
    )
    s3_public_endpoint: str | None = Field(
        default=None,
        description="URL at which clients reach the same service, for direct uploads; unset means "
        "`BIGSEG_S3_ENDPOINT`. For an API that knows it by an inside name.",
    )
    s3_bucket: str = Field(
        default="bigseg",
        description="Bucket for uploads, spills, exports and files of rejected rows.",
    )
    s3_region: str = Field(default="us-east-1", description="Region of the bucket.")
    s3_sources: TextList | None = Field(
        default=None,
        description="JSON list of `s3://bucket/prefix/` that an import may read; unset means "
        '`["s3://{bucket}/lists/"]`, so that a caller can reach nothing else.',
    )
    s3_destinations: TextList | None = Field(
        default=None,
        description="JSON list of `s3://bucket/prefix/` that an export may write to; unset means "
        "none, so that exports are only downloaded. Whoever may export may write there. "
        '`bigseg up` sets `["s3://{bucket}/lists/exports/"]`.',
    )
    import_objects: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Objects that one import may have, whether a prefix, a glob, a list or a "
        "manifest names them; one with more is refused at once. Each takes about 100 bytes of the "
        "store for as long as the import is on record.",
    )
    s3_timeout_s: float = Field(
        default=15.0,
        gt=0,
        le=120,
        description="Seconds without a byte before a read is cut and resumed where it stopped; "
        "shorter than a lease, so that a stalled stream is retried by its own worker.",
    )

    s3_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        default=None,
        description="How S3 encrypts what is written: `AES256` (SSE-S3), `aws:kms` (SSE-KMS) or "
        "`aws:kms:dsse`; unset leaves it to the bucket's default. Some policies refuse writes that "
        "do not state it.",
    )
    s3_kms_key_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=2_048,
        description="Id or ARN of the KMS key for `BIGSEG_S3_ENCRYPTION=aws:kms`; unset means the "
        "account's own key for S3. Its policy must allow `kms:GenerateDataKey` and `kms:Decrypt`.",
    )

    s3_bucket_key: bool | None = Field(
        default=None,
        description="Whether objects encrypted with `BIGSEG_S3_ENCRYPTION=aws:kms` share a key of "
        "the bucket, which saves most requests to KMS; unset leaves it to the bucket.",
    )

    inbox: str | None = Field(
        default=None,
        pattern=r"^s3://[A-Za-z0-9][A-Za-z0-9._-]{2,62}/.*[^/].*$",
        max_length=400,
        description="`s3://bucket/prefix` of the inbox: an object put below it is imported, and "
        "then moved beside it, to `prefix-done/` or `prefix-failed/`; unset means that there is "
        "none. `bigseg up` sets `s3://{bucket}/inbox`.",
    )
    inbox_after: Literal["move", "tag"] = Field(
        default="move",
        description="What becomes of an object of the inbox that was imported or refused: `move` "
        "moves it; `tag` leaves it there with the tags `bigseg-status` and `bigseg-import`, for a "
        "lifecycle rule or for readers that need it where it is.",
    )

    @field_validator("inbox", mode="before")
    @classmethod
    def _blank_is_no_inbox(cls, address: object) -> object:
        return None if address == "" else address

    @field_validator("inbox")
    @classmethod
    def _is_apart(cls, address: str | None) -> str | None:
        if address is None:
            return None
        folder = address.split("/", 3)[3].strip("/")
        if folder.split("/")[0] == "bigseg-internal":
            raise ValueError("the inbox cannot be inside bigseg's own prefix bigseg-internal/")
        return address.rstrip("/")

    @model_validator(mode="after")
    def _key_is_used(self) -> Self:
        if self.s3_kms_key_id is not None and self.s3_encryption in {None, "AES256"}:
            raise ValueError("BIGSEG_S3_KMS_KEY_ID needs BIGSEG_S3_ENCRYPTION=aws:kms")
        if self.s3_bucket_key is not None and self.s3_encryption != "aws:kms":
            raise ValueError("BIGSEG_S3_BUCKET_KEY needs BIGSEG_S3_ENCRYPTION=aws:kms")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The allow-list of source prefixes."""
        return self.s3_sources or (f"s3://{self.s3_bucket}/lists/",)

    @property
    def destinations(self) -> tuple[str, ...]:
        """The allow-list of destination prefixes."""
        return self.s3_destinations or ()


class WorkerSettings(StoreSettings, ObjectSettings):
    """What the worker processes need on top."""

    spill_dir: Path | None = Field(
        default=None,
        description="Directory for spill files shared by all workers, for a single host; unset "
        "means the bucket, which any number of hosts share.",
    )
    chunk_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="Bytes of a list file in one chunk; bounds a worker's memory.",
    )
    chunk_rows: int = Field(
        default=2_000_000,
        ge=100,
        le=8_000_000,
        description="Rows sorted together in one chunk; bounds a worker's memory.",
    )
    range_bytes: int = Field(
        default=24 * 1024 * 1024,
        ge=1024,
        le=128 * 1024 * 1024,
        description="Bytes of members gathered together in one range; bounds a worker's memory.",
    )
    parquet_memory_bytes: int = Field(
        default=384 * 1024 * 1024,
        ge=64 * 1024 * 1024,
        le=16 * 1024 * 1024 * 1024,
        description="Bytes of memory that decoding one Parquet file may take, in addition to the "
        "60 MiB of a worker's decoding process; usual files take 100 MiB, and one whose pages are "
        "as large as its row groups takes twice their size. An import that needs more is stopped.",
    )
    lease_s: float = Field(
        default=20.0,
        gt=0.2,
        le=300,
        description="Seconds a unit of work stays taken without progress; a crash is picked up "
        "when it ends.",
    )
    inbox_poll_s: float = Field(
        default=15.0,
        gt=0.05,
        le=86_400,
        description="Seconds between two listings of the inbox; each takes a request for 1,000 "
        "objects that are in it. Events of the bucket make bigseg look at once.",
    )
    sweep_s: float = Field(
        default=5.0,
        gt=0.05,
        le=60,
        description="Seconds between two looks for stalled jobs; with the lease it bounds how "
        "long a crash delays an import.",
    )
    unit_tries: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Times one unit of work is tried before its job is stopped.",
    )
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
    rejected_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a list's rows, blank ones aside, that may be rejected before the "
        "import has to be approved; where over half are, the list has another encoding or format. "
        "It applies to lists of any size, since a small file can be as wrong as a large one; 1 "
        "turns it off. A caller overrides it with `maxRejectedShare` or `allowRejected`.",
    )
    warning_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of a list's rows, blank ones aside, that may be doubtful before a "
        "`replace` has to be approved; 1 turns it off. Lists that are meant so have hardly any. A "
        "caller overrides it with `maxWarningShare` or `onWarning`.",
    )
    shrink_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a list's members that a `replace` or a `remove` may remove before it "
        "has to be approved; lists that are renewed daily change by far less. 1 turns it off. A "
        "caller overrides it with `maxShrinkShare` or `allowShrink`.",
    )
    shrink_count: int = Field(
        default=1_000,
        ge=1,
        description="A `replace` or `remove` that removes fewer members than this needs no "
        "approval, whatever their share: small lists are often rewritten entirely, and are quickly "
        "restored. It does not count for a caller's own `maxShrinkShare`.",
    )
    growth_share: float = Field(
        default=9.0,
        ge=0,
        description="By how many times its members a `replace` may make a list grow before it has "
        "to be approved: the default is a list ten times as long, as when all users take the place "
        "of a few. A caller overrides it with `maxGrowthShare`.",
    )
    growth_count: int = Field(
        default=1_000,
        ge=1,
        description="A `replace` of a list of fewer members than this may grow by any share: lists "
        "begin with a few keys for trial. It does not count for a caller's own `maxGrowthShare`.",
    )
    webhook_timeout_s: float = Field(
        default=10.0,
        ge=0.1,
        le=60,
        description="Seconds in which a webhook's receiver must have answered, from the look-up of "
        "its name on; a slower one should take the event and work on it later.",
    )
    niceness: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How far worker processes yield the CPU to others on their host, as `nice` "
        "counts it; a store and an API beside them stay fast while lists are built.",
    )
    lookup_wait_ms: float = Field(
        default=1.0,
        ge=0,
        le=1_000,
        description="Milliseconds a look-up may wait for writers of shards. While there are "
        "look-ups, writers slow down until at most one moment in 125 exceeds it, but not below "
        "4 MB/s a process. The default is what a look-up usually takes; 0 means that writers go as "
        "fast as they can.",
    )
    put_rate_bytes_s: int = Field(
        default=0,
        ge=0,
        description="Bytes a second one worker process sends while building shards, so that "
        "look-ups stay fast; 0 means no limit.",
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            pydantic.ValidationError: a variable has an invalid value.
        """
        return cls()


def invalid_settings(error: ValidationError) -> str:
    """Describe what is wrong with which variable, one line each.

    Holds no value: it may be secret.
    """
    return "\n".join(
        f"BIGSEG_{'_'.join(map(str, fault['loc'])).upper()}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    )
