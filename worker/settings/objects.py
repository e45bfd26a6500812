"""Settings of S3: where list files, spills, exports and the inbox are."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from worker.settings.environment import EnvironmentSettings, TextList


class ObjectSettings(EnvironmentSettings):
    """Where list files, spills and exports are."""

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
