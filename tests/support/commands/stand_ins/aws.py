"""The few commands of `aws s3` that the pages use, over boto3: the real one is no wheel of ours."""

import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import boto3


def main(arguments: Sequence[str]) -> None:
    """Run `aws s3 cp FILE s3://bucket/key`, the only form that is known."""
    arguments = [word for word in arguments if word != "--only-show-errors"]
    if len(arguments) != 4 or tuple(arguments[:2]) != ("s3", "cp"):
        raise SystemExit(f"aws: only `aws s3 cp FILE s3://…` is known here, not {arguments}")
    _, _, file, target = arguments
    place = urlsplit(target)
    if place.scheme != "s3":
        raise SystemExit(f"aws: {target} is not in S3")
    client = boto3.client("s3")
    client.upload_file(file, place.netloc, place.path.removeprefix("/"))
    client.close()
    sys.stdout.write(f"upload: ./{file} to {target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
