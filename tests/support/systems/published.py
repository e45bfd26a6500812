"""Takes a list through what a deployment publishes, its S3 port and its API, as a user would.

    python -m tests.support.systems.published API_URL S3_ENDPOINT BUCKET

with the API's token in ``BIGSEG_TOKEN`` and the bucket's credentials in the usual AWS variables;
``scripts/containers`` calls it. It imports nothing that only tests need.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import boto3
import httpx

_READY_LIMIT_S: Final = 300.0
_POLL_S: Final = 0.5
_KEY: Final = "lists/customers.csv"
_LIST: Final = b"alice\nbob\ncarol\n"


@dataclass(frozen=True, slots=True)
class Published:
    """Where a deployment is reached, and with what."""

    api_url: str
    s3_endpoint: str
    bucket: str
    environment: Mapping[str, str]
    """Of the commands: the token, and the credentials of the bucket."""

    def wait_ready(self) -> None:
        """Wait until the API can do its work."""
        end_s, last = time.monotonic() + _READY_LIMIT_S, ""
        while time.monotonic() < end_s:
            try:
                reply = httpx.get(f"{self.api_url}/readyz", timeout=15)
            except httpx.TransportError as exc:  # not listening yet
                last = str(exc)
            else:
                if reply.is_success:
                    return
                last = reply.text
            time.sleep(_POLL_S)
        raise SystemExit(f"{self.api_url} is not ready after {_READY_LIMIT_S:g} s: {last}")

    def take_a_list(self, segment: str) -> None:
        """Put a list into the bucket, import it and look up; the pages are there, too."""
        for page in ("/", "/docs"):
            httpx.get(self.api_url + page).raise_for_status()
        client = boto3.client(
            "s3",
            endpoint_url=self.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )
        client.put_object(Bucket=self.bucket, Key=_KEY, Body=_LIST)
        client.close()
        source = f"s3://{self.bucket}/{_KEY}"
        self._bigseg("import", source, "--segment", segment, "--create", "--json")
        found = json.loads(self._bigseg("lookup", "--segment", segment, "--json", "alice", "dave"))
        included = {one["userKey"]: one["included"] for one in found}
        if included != {"alice": True, "dave": False}:
            raise SystemExit(f"wrong answers: {included}")

    def _bigseg(self, *arguments: str) -> str:
        done = subprocess.run(
            (sys.executable, "-m", "api.cli", *arguments),
            env={**self.environment, "BIGSEG_URL": self.api_url},
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"bigseg {' '.join(arguments)} failed: {done.stdout}")
        return done.stdout


def main() -> None:
    """Take one list through the deployment that the arguments name."""
    api_url, s3_endpoint, bucket = sys.argv[1:]
    published = Published(api_url, s3_endpoint, bucket, os.environ)
    published.wait_ready()
    published.take_a_list("vip")
    sys.stdout.write("a list went through the published ports, and look-ups are right\n")


if __name__ == "__main__":
    main()
