"""The names in the recorded examples: one small world, so that they fit together."""

from typing import Final

PROJECT: Final = "default"
ENVIRONMENT: Final = "production"
#: A standard segment.
SEGMENT: Final = "beta-testers"
BIG_SEGMENT: Final = "vip-customers"
OTHER_BIG_SEGMENT: Final = "churned-customers"
#: A context that is in the big segment.
MEMBER: Final = "customer-1234"
RULE: Final = "3405f9e2-7613-4092-b453-1b10db1bc184"
SECOND_RULE: Final = "8a1d2c3b-4e5f-4a6b-9c7d-0e1f2a3b4c5d"
CLAUSE: Final = "5d0c7f2e-9a41-4c1b-8f3e-7b6a5d4c3b2a"
SECOND_CLAUSE: Final = "0b9c8d7e-6f5a-4b3c-8d2e-1f0a9b8c7d6e"
#: Unix milliseconds, far enough in the future.
EXPIRES: Final = 4_070_908_800_000
#: Where things are created, so that they may be deleted again.
SCRATCH_PROJECT: Final = "scratch-project"
SCRATCH_ENVIRONMENT: Final = "scratch"
#: Schedules of exports of the big segment.
SCHEDULE: Final = "nightly"
SECOND_SCHEDULE: Final = "weekly"
#: A bucket and the folder of it that imports may read.
INBOX_BUCKET: Final = "bigseg"
SOURCES: Final = "s3://bigseg/lists/"
