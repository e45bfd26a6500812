"""Manifests: files that name the list files of an import."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from worker.objects.errors import UnusableSelection
from worker.objects.info import ObjectInfo
from worker.options.lists import ListOptions

#: Enough for 10,000 of the longest keys, with what is around them.
MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One list file that a manifest names."""

    address: str
    mandatory: bool = True
    """Whether the import is stopped if there is no such object."""
    size_bytes: int | None = None
    """What the manifest says."""

    def check_size(self, info: ObjectInfo) -> None:
        """Make sure that the object is as large as the manifest says.

        Raises:
            UnusableSelection: it is not.
        """
        if self.size_bytes is not None and self.size_bytes != info.size_bytes:
            raise UnusableSelection(
                f"{self.address} has {info.size_bytes:,} bytes, and the manifest says "
                f"{self.size_bytes:,}: write it again, or correct content_length"
            )


def parse_manifest(content: bytes, name: str, reading: ListOptions) -> list[ManifestEntry]:
    """Read a manifest: Redshift's JSON, or one address a line.

    An entry without ``mandatory`` is mandatory, unlike in Redshift: what ``UNLOAD`` writes has
    none, and a part that is missing must not go unnoticed.

    Args:
        content: All of it.
        name: What errors call it.
        reading: How the files are to be read.

    Raises:
        UnusableSelection: it is neither, or has an entry that is wrong; says which. Or it is of an
            export whose files are not of this form.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        message = f"the manifest {name} is not UTF-8 text: write one s3:// address a line"
        raise UnusableSelection(message) from exc
    is_json = text.lstrip().startswith(("{", "["))
    entries = list(_parse_json(text, name, reading) if is_json else _parse_lines(text))
    for number, entry in enumerate(entries, 1):
        if not entry.address.startswith("s3://"):
            raise UnusableSelection(
                f"entry {number} of the manifest {name} is no s3:// address: {entry.address[:80]!r}"
            )
        if entry.address.endswith("/"):
            raise UnusableSelection(
                f"entry {number} of the manifest {name} is a folder: name the objects in it"
            )
    if not entries:
        raise UnusableSelection(f"the manifest {name} names no object")
    return entries


def _parse_lines(text: str) -> Iterator[ManifestEntry]:
    lines = (line.strip() for line in text.split("\n"))
    return (ManifestEntry(line) for line in lines if line)


def _parse_json(text: str, name: str, reading: ListOptions) -> Iterator[ManifestEntry]:
    try:
        document = json.loads(text)
        entries = document["entries"]
    except (ValueError, RecursionError, KeyError, TypeError) as exc:
        message = (
            f'the manifest {name} is not of Redshift\'s form, {{"entries": [{{"url": "s3://…"}}]}}'
        )
        raise UnusableSelection(message) from exc
    if not isinstance(entries, list):
        raise UnusableSelection(f"the entries of the manifest {name} are not an array")
    export = document.get("export")  # what our own exports add
    fault = _find_misfit(export, reading) if isinstance(export, dict) else None
    if fault is not None:
        raise UnusableSelection(f"the manifest {name} is of an export {fault}")
    for number, entry in enumerate(entries, 1):
        yield _read_entry(entry, f"entry {number} of the manifest {name}")


def _find_misfit(export: dict[str, Any], reading: ListOptions) -> str | None:
    """Why keys would not be those that an export has written; ``None`` if they would be."""
    if export.get("side") == "both":
        return "of both lists, and an import changes one: export each side"
    profile = export.get("profile")
    if profile == "spreadsheet" and reading.profile != profile:
        return "for a spreadsheet, where some keys have an apostrophe: send profile=spreadsheet"
    if profile == "exact" and reading.profile != profile:
        return "of exact keys, and profile=spreadsheet would change some: leave profile out"
    return _find_misfit_of_header(export, reading) if export.get("format") == "csv" else None


def _find_misfit_of_header(export: dict[str, Any], reading: ListOptions) -> str | None:
    reads_header = bool(reading.header) or reading.column_name is not None
    if export.get("header") is True and not reads_header:
        return "with a header, which would be read as a key: send header=true"
    if export.get("header") is False and reads_header:
        return "without a header, and the first key of each file would be lost: leave header out"
    return None


def _read_entry(entry: Any, name: str) -> ManifestEntry:  # noqa: ANN401 - any JSON
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise UnusableSelection(f"{name} has no url that is a string")
    mandatory, meta = entry.get("mandatory", True), entry.get("meta") or {}
    size = meta.get("content_length") if isinstance(meta, dict) else meta
    if not isinstance(mandatory, bool):
        raise UnusableSelection(f"mandatory of {name} is neither true nor false")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise UnusableSelection(f"content_length of {name} is not a number of bytes")
    return ManifestEntry(entry["url"], mandatory, size)
