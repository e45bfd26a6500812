"""The names in the examples: one small world, so that they fit together."""

from typing import Final

PROJECT: Final = "default"
ENVIRONMENT: Final = "production"
ENVIRONMENT_ID: Final = "64f6f21653c76f12626d142c"
#: A standard segment.
SEGMENT: Final = "beta-testers"
BIG_SEGMENT: Final = "vip-customers"
#: A context that is in the big segment.
MEMBER: Final = "customer-1234"
IMPORT: Final = "1f9d6a0e-6a3c-4d0e-9b0e-2f1c7a5d8e90"
EXPORT: Final = "c4a760a8-5b1f-4b7e-8a34-6d2f0e9b1a73"
#: Of the export's file.
ETAG: Final = '"0c087f53238a46615db1dd88bd88475f"'
OTHER_ETAG: Final = '"6a3a6f6e33217afa6373df9d6b2e8a00"'
#: Of the standard segment.
RULE: Final = "3405f9e2-7613-4092-b453-1b10db1bc184"
SECOND_RULE: Final = "8a1d2c3b-4e5f-4a6b-9c7d-0e1f2a3b4c5d"
CLAUSE: Final = "5d0c7f2e-9a41-4c1b-8f3e-7b6a5d4c3b2a"
SECOND_CLAUSE: Final = "0b9c8d7e-6f5a-4b3c-8d2e-1f0a9b8c7d6e"
TOKEN: Final = "61095542756dba551110ae21"  # noqa: S105 - an id, no secret
#: Of the access token that made it.
ADMIN_TOKEN: Final = "5f2c1a9e7b3d4c6e8a0f1b2d"  # noqa: S105 - same
MEMBER_ID: Final = "569f183514f4432160000007"
#: When a target is to be removed.
SCHEDULE: Final = "12ab3c45de678910fab12345"
#: Of the log of changes.
ENTRY: Final = f"{PROJECT}:{ENVIRONMENT}:1763703600000-0"
ACCOUNT: Final = "9f8e7d6c5b4a39281706f5e4"
#: Unix milliseconds.
CREATED: Final = 1_763_700_000_000
CHANGED: Final = 1_763_703_600_000
AFTER: Final = 1_763_707_200_000
#: Far enough in the future.
EXPIRES: Final = 4_070_908_800_000
