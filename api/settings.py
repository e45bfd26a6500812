"""Settings of the API, read from ``BIGSEG_*``; compared with the table in ``deploy/README.md``."""

import re
from typing import Self

from pydantic import Field, SecretStr, field_validator

from api.http.connections.slots import ConnectionBounds
from worker.objects import ObjectSettings
from worker.settings import TextList
from worker.store import StoreSettings

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+")
_GIB = 1024**3
_MIB = 1024**2


class ApiSettings(StoreSettings, ObjectSettings):
    """What an API process needs on top of the store's and the objects' settings."""

    admin_token: SecretStr | None = Field(
        default=None,
        description="The token that may do everything, and make others; unset or empty means that "
        "only tokens created before are accepted. Only its SHA-256 is kept in memory.",
    )
    identity_key: SecretStr | None = Field(
        default=None,
        description="The key with which `GET /identity` proves to a client that knows it, too, "
        "that this is the server it means; unset or empty means that the path is answered 404. "
        "`bigseg up` sets it, so that no command sends its token to whatever has taken the port.",
    )
    sdk_store_environment: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$",
        description="`project/environment` whose memberships SDKs may read from Redis from the "
        "start; unset means none. It counts only until somebody switches that environment on or "
        "off. `bigseg up` sets `default/production`.",
    )
    max_upload_bytes: int = Field(
        default=50 * _GIB,
        ge=1,
        le=5 * 1024 * _GIB,
        description="Bytes of one uploaded list; more is answered 413. Far above any list seen, "
        "and it keeps one caller from filling the bucket.",
    )
    max_direct_upload_bytes: int = Field(
        default=200 * _GIB,
        ge=1,
        le=5 * 1024 * _GIB,
        description="Bytes of one list that a client sends straight to the bucket; more is "
        "answered 413. More than one Redis node can hold the keys of.",
    )
    upload_part_bytes: int = Field(
        default=16 * _MIB,
        ge=5 * _MIB,
        le=1024 * _MIB,
        description="Bytes of each part of a direct upload but the last; larger where 10,000 of "
        "them would not do. 5 MiB is the least that S3 takes; a part is what a failure costs, and "
        "a client holds a few in memory.",
    )
    upload_url_s: int = Field(
        default=3_600,
        ge=1,
        le=7 * 86_400,
        description="Seconds for which a URL for one part can be used. Others are issued on "
        "request, so it need only outlast one slow part.",
    )
    upload_ttl_s: int = Field(
        default=86_400,
        ge=1,
        le=30 * 86_400,
        description="Seconds after the last URLs were issued for a direct upload, or after it was "
        "completed, until it is taken for abandoned and deleted.",
    )
    open_uploads: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Direct uploads of one environment that may be open, or wait for their import; "
        "one more is answered 409. What they hold in the bucket is bounded by it.",
    )
    schedules: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Export schedules that one environment may have; one more is answered 400. All "
        "of them are looked at in each sweep.",
    )
    schedule_gap_s: int = Field(
        default=300,
        ge=60,
        le=86_400,
        description="Seconds that an export schedule must leave between two runs at least; a cron "
        "expression that is due more often is answered 400. Each run reads the whole list.",
    )
    max_body_bytes: int = Field(
        default=5 * _MIB,
        ge=1024,
        le=256 * _MIB,
        description="Bytes of any other request body; more is answered 413. Such bodies are held "
        "in memory; 10,000 keys of ordinary length fit. A document of flags may always have "
        "10 MiB.",
    )
    connections: int = Field(
        default=4_096,
        ge=1,
        le=1_000_000,
        description="Connections of one API process. A new one beyond them takes the place of one "
        "that waits for a request, or is answered 503; about 20 KiB each.",
    )
    head_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds from a request's first byte to the end of its headers, answered 408 "
        "after that, and seconds in which a client must take a part of its answer. A head fits "
        "into one packet, so even a bad line needs no more.",
    )
    idle_timeout_s: float = Field(
        default=75.0,
        gt=0,
        le=3_600,
        description="Seconds a connection is kept after an answer; longer than the 60 seconds of "
        "usual balancers, which else send requests into connections that are closing.",
    )
    body_timeout_s: float = Field(
        default=20.0,
        gt=0,
        le=600,
        description="Seconds in which a body must come on by 1 KiB for each of them, answered 408 "
        "else; only time spent waiting for the client counts. A stalled upload is aborted then.",
    )
    lookup_timeout_s: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="Seconds a look-up waits for the store before it is answered 503; a caller "
        "that evaluates flags cannot wait longer.",
    )
    lookup_backlog: int = Field(
        default=4_096,
        ge=1,
        le=1_000_000,
        description="Look-ups that may wait for the store at one time; one more is answered 503 "
        "at once, so that a stalled store cannot fill the memory.",
    )
    lookup_segments: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Segments whose last seen revision is remembered for look-ups, about 1 KiB "
        "each; a forgotten one costs its next look-up a few round trips.",
    )
    bulk_lookups: int = Field(
        default=4,
        ge=1,
        le=1_000,
        description="Bulk look-ups, of up to 100,000 answers each, that one API process has at "
        "work at one time; one more is answered 503. Each holds its body and its answer; large "
        "ones are done by a child process, one after another.",
    )
    protect_referenced_segments: bool = Field(
        default=True,
        description="Whether deleting a segment that rules of other segments refer to is answered "
        "409 unless `?force=true` is sent; false deletes it, as LaunchDarkly does. On, because "
        "those rules would be in error from then on.",
    )

    evaluation_cache_bytes: int = Field(
        default=256 * _MIB,
        ge=0,
        le=64 * _GIB,
        description="Bytes of memory, roughly, for segments made ready for evaluation, about "
        "25 KB each with 100 targets; those beyond are read and made ready at every evaluation. "
        "Each dialect keeps as many, and so does the child process for its heavy evaluations, "
        "once it is started.",
    )

    datafile_cache_bytes: int = Field(
        default=256 * _MIB,
        ge=0,
        le=64 * _GIB,
        description="Bytes of memory for what datafiles of Vercel's dialect are made "
        "of, twice their size; those beyond are made again at every request. What LaunchDarkly's "
        "SDKs evaluate with has as many of its own.",
    )
    vercel_segments: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Vercel's dialect: segments of one project, as many as Vercel's largest plans "
        "allow; an API process reads all of a project to evaluate one.",
    )
    vercel_project_bytes: int = Field(
        default=64 * _MIB,
        ge=1_024,
        le=_GIB,
        description="Vercel's dialect: bytes of all segments of one project together, answered "
        "400 beyond; Vercel allows 10 MB. Every API process keeps what it has read in memory, up "
        "to 128 MiB of all projects.",
    )
    vercel_datafile_bytes: int = Field(
        default=64 * _MIB,
        ge=1_024,
        le=_GIB,
        description="Vercel's dialect: bytes of one datafile, answered 409 beyond; Vercel allows "
        "10 MB. Every client downloads it whole after each change.",
    )
    vercel_streams: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="Vercel's dialect: streams of datafiles that one API process has open, at most "
        "half of `BIGSEG_CONNECTIONS`; one more is answered 503. Each keeps a connection as long "
        "as its client runs.",
    )
    sdk_data_bytes: int = Field(
        default=64 * _MIB,
        ge=1_024,
        le=_GIB,
        description="Bytes of all that LaunchDarkly's SDKs evaluate flags of one environment with, "
        "answered 503 beyond. Every SDK downloads it whole when it connects.",
    )
    sdk_streams: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Streams of LaunchDarkly's SDKs that one API process has open, at most half of "
        "`BIGSEG_CONNECTIONS`; one more is answered 503. Each keeps a connection as long as its "
        "SDK runs.",
    )
    relay_streams: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Streams of LaunchDarkly Relay Proxies that one API process has open, at most "
        "an eighth of `BIGSEG_CONNECTIONS`; one more is answered 503. A relay has one or two for "
        "each of its environments.",
    )
    event_streams: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Streams of the progress of imports that one API process has open in each "
        "dialect, at most an eighth of `BIGSEG_CONNECTIONS`; one more is answered 503. Each keeps "
        "a connection until the import ends, ten minutes at most.",
    )
    vercel_segment_bytes: int = Field(
        default=4_000_000,
        ge=1_024,
        le=64 * _MIB,
        description="Vercel's dialect: bytes of one segment's data as JSON, answered 400 beyond; "
        "Vercel allows 200 KB. `BIGSEG_MAX_BODY_BYTES` bounds it, too.",
    )
    vercel_rules: int = Field(
        default=10_000,
        ge=1,
        description="Vercel's dialect: rules of one segment; Vercel's own limit.",
    )
    vercel_list_items: int = Field(
        default=100_000,
        ge=1,
        description="Vercel's dialect: items of the list of one condition; Vercel allows 10,000.",
    )
    vercel_targets: int = Field(
        default=100_000,
        ge=1,
        description="Vercel's dialect: values of one attribute that a segment includes or "
        "excludes by itself; Vercel allows 10,000.",
    )
    vercel_kinds: int = Field(
        default=32,
        ge=1,
        description="Vercel's dialect: kinds of entities that a segment includes or excludes "
        "values of; Vercel's own limit.",
    )
    vercel_attributes: int = Field(
        default=32,
        ge=1,
        description="Vercel's dialect: attributes of one kind that a segment includes or excludes "
        "values of; Vercel's own limit.",
    )
    vercel_name_length: int = Field(
        default=128,
        ge=1,
        le=10_000,
        description="Vercel's dialect: characters of the name of a kind or an attribute; "
        "Vercel's own limit.",
    )

    limit_account: int = Field(
        default=20_000,
        ge=0,
        description="Requests in ten seconds of all tokens to all API processes, look-ups apart; "
        "0 means any number. More than several processes can serve: it is there for floods.",
    )
    limit_token: int = Field(
        default=5_000,
        ge=0,
        description="Requests in ten seconds of one token to all API processes, look-ups apart; "
        "0 means any number. Far above what people and Terraform send, and a quarter of the "
        "whole, so that one token in a loop leaves room for others.",
    )
    limit_route: int = Field(
        default=10_000,
        ge=0,
        description="Requests in ten seconds of all tokens to one route and method of all API "
        "processes; 0 means any number.",
    )
    limit_lookup_token: int = Field(
        default=1_000_000,
        ge=0,
        description="Look-ups in ten seconds of one token to one API process, counted in that "
        "process; 0 means any number. About three times what one process was seen to answer: it "
        "holds back only on far faster machines.",
    )
    limit_lookup_route: int = Field(
        default=2_000_000,
        ge=0,
        description="Look-ups in ten seconds of all tokens by `contexts`, and as many by `users`, "
        "to one API process; 0 means any number.",
    )
    public_openapi: bool = Field(
        default=False,
        description="Whether `/openapi.json` needs no token, so that `/docs` displays it at once. "
        "Off, because it says what this service is and can do.",
    )
    cors_origins: TextList = Field(
        default=(),
        description="JSON list of origins whose pages may call the API, such as "
        '`["https://tools.example.com"]`, or `["*"]` for any; none means that no browser lets a '
        "page of another site read an answer.",
    )

    @field_validator("sdk_store_environment", mode="before")
    @classmethod
    def _blank_is_none(cls, environment: object) -> object:
        return None if environment == "" else environment

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and _ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    f"{origin!r} is not an origin: write scheme://host or scheme://host:port"
                )
        return origins

    @field_validator("admin_token", "identity_key")
    @classmethod
    def _blank_is_unset(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None or not token.get_secret_value().strip():
            return None
        return token

    @property
    def connection_bounds(self) -> ConnectionBounds:
        """The bounds on connections."""
        return ConnectionBounds(self.connections, self.head_timeout_s, self.idle_timeout_s)

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            pydantic.ValidationError: a variable has an invalid value.
        """
        return cls()
