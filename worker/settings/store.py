"""Settings of the membership store and the broker."""

from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from worker.receiver_addresses import AllowedReceivers
from worker.redis_urls import RedisAddress, parse_redis_url
from worker.settings.environment import EnvironmentSettings, TextList

#: Entries of the log of changes that are kept for each environment.
AUDIT_ENTRIES: Final = 10_000
#: Seconds for which the record of an ended job can be read.
JOB_RETENTION_S: Final = 30 * 86_400
#: Bytes of the changes that are kept for the Relay Proxies of one environment.
SDK_LOG_BYTES: Final = 64 * 1024 * 1024


class StoreSettings(EnvironmentSettings):
    """Where the membership store and the broker are."""

    #: An invalid URL may hold a password.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

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
    sdk_store_url: SecretStr | None = Field(
        default=None,
        description="URL of the Redis from which LaunchDarkly's SDKs read memberships, of the same "
        "forms; unset means `BIGSEG_REDIS_URL`. No cluster, because the SDKs speak to none. A "
        "server of its own keeps their memory and their load apart from the lists.",
    )
    sdk_store_prefix: str = Field(
        default="launchdarkly",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="First part of the keys that SDKs read, for an environment that is switched on "
        "without one of its own; the default is that of the SDKs.",
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
    sdk_log_bytes: int = Field(
        default=SDK_LOG_BYTES,
        ge=1024 * 1024,
        le=4 * 1024**3,
        description="Bytes of changes kept in the store for the Relay Proxies of one environment, "
        "33 for each context, while one has asked within a week; whole lists are not among them. A "
        "relay that was away for more changes than that begins anew.",
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

    @field_validator("broker_url", "sdk_store_url")
    @classmethod
    def _blank_is_unset(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None or not url.get_secret_value().strip() else url

    @field_validator("redis_url", "broker_url", "sdk_store_url")
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

    @property
    def sdk_store_address(self) -> RedisAddress:
        """Where SDKs read memberships: the store, when no other is set."""
        return parse_redis_url((self.sdk_store_url or self.redis_url).get_secret_value())
