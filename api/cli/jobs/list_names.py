"""What `bigseg import` is told to read: a file, or objects in S3."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from api.cli.errors import UsageError

_S3: Final = "s3://"
_OTHER_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class NamedSources:
    """The lists of one import."""

    files: tuple[str, ...] = ()
    """Local files, or `-`."""
    body: Mapping[str, str | list[str]] | None = None
    """Of lists in S3: how the API is told of them."""

    @classmethod
    def of(cls, sources: Sequence[str], manifest: str | None) -> Self:
        """Read the arguments of the command.

        Raises:
            UsageError: there is none, or they cannot be one import.
        """
        if manifest is not None:
            if sources:
                raise UsageError("name lists or a --manifest, not both")
            _check_s3_uri(manifest)
            return cls(body={"manifest": manifest})
        if not sources:
            raise UsageError("name a file, s3://BUCKET/KEY or a --manifest")
        in_s3 = [source for source in sources if source.startswith(_S3)]
        for source in in_s3:
            _check_s3_uri(source)
        if len(in_s3) == len(sources):
            only = len(sources) == 1
            return cls(body={"source": sources[0]} if only else {"sources": list(sources)})
        if in_s3:
            raise UsageError("lists of one import are all in S3, or all files here")
        for source in sources:
            if _OTHER_ADDRESS.match(source) and not Path(source).exists():
                raise UsageError(
                    f"{source} is no file and no s3://BUCKET/KEY: download it, or pipe it to "
                    "`bigseg import -`"
                )
        return cls(files=tuple(sources))


def _check_s3_uri(source: str) -> None:
    """Refuse what cannot be the address of an object."""
    bucket, _, key = source.removeprefix(_S3).partition("/")
    if not source.startswith(_S3) or not bucket or not key:
        raise UsageError(f"{source} names no object: write s3://BUCKET/KEY")
