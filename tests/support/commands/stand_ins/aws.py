"""`aws s3 cp FILE s3://…` over boto3: Amazon's program is not one of the project's packages."""

import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import boto3

_QUIET = "--only-show-errors"


def main(arguments: Sequence[str]) -> None:
    """Copy a file into S3; no other command is known."""
    match [word for word in arguments if word != _QUIET]:
        case ["s3", "cp", file, target] if target.startswith("s3://"):
            _copy(file, target)
        case _:
            raise SystemExit(f"aws: only `aws s3 cp FILE s3://…` is known here, not {arguments}")
    if _QUIET not in arguments:
        sys.stdout.write(f"upload: ./{file} to {target}\n")


def _copy(file: str, target: str) -> None:
    place = urlsplit(target)
    client = boto3.client("s3")
    client.upload_file(file, place.netloc, place.path.removeprefix("/"))
    client.close()


if __name__ == "__main__":
    main(sys.argv[1:])
