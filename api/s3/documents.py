"""The XML of S3's requests and answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias
from xml.etree import ElementTree as ET

from api.s3.errors import S3Refusal
from api.s3.requests import Answer

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
#: Text, a group of named values, or several of either under one name.
Value: TypeAlias = "str | int | bool | Fields | Sequence[Fields]"
Fields: TypeAlias = Mapping[str, Value]


def xml_answer(name: str, fields: Fields, *, status: int = 200) -> Answer:
    """Answer with a document."""
    root = ET.Element(name, xmlns=_NAMESPACE)
    _fill(root, fields)
    content = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Answer(status, {"Content-Type": "application/xml"}, content)


def refusal_answer(refusal: S3Refusal) -> Answer:
    """Answer with an error, whose root alone has no namespace."""
    root = ET.Element("Error")
    _fill(root, {"Code": refusal.code, "Message": refusal.message})
    content = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Answer(refusal.status, {"Content-Type": "application/xml"}, content)


def parse_items(document: bytes, item: str) -> Iterator[dict[str, str]]:
    """Read the elements of one name in a request's document, each as its children's texts.

    Raises:
        S3Refusal: it is not XML, or has a document type, which may expand without end.
    """
    if b"<!" in document:
        raise S3Refusal(400, "MalformedXML", "the request's document has a declaration")
    try:
        root = ET.fromstring(document)  # noqa: S314  # declarations are refused above
    except ET.ParseError as exc:
        raise S3Refusal(400, "MalformedXML", f"the request's document is not XML: {exc}") from exc
    for element in root.iter():
        if _local_name(element) == item:
            yield {_local_name(child): child.text or "" for child in element}


def format_time(seconds: float) -> str:
    """Format Unix time as documents have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _fill(parent: ET.Element, fields: Fields) -> None:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            _fill(ET.SubElement(parent, name), value)
        elif isinstance(value, str | int):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            ET.SubElement(parent, name).text = text
        else:
            for item in value:
                _fill(ET.SubElement(parent, name), item)
