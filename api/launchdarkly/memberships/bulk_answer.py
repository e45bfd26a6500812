"""The answer of a bulk look-up, as JSON or as an Arrow stream, without an object for each pair."""

import re
from collections.abc import Iterable, Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from api.bodies.models import Int32, Int64, WireModel
from api.launchdarkly.memberships.bulk_question import BulkQuestion
from api.lookups.bulk_lookups import ListAnswers

ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"

_WORDS: Final = ("unknown", "included", "excluded")
#: Indices of words by the sum of ``IN_INCLUDED`` and ``IN_EXCLUDED``: in both lists, included wins.
_WORD_OF: Final = np.array([0, 1, 2, 1], np.int8)
#: By the same sum, and of one width, so that an answer is a copy of 11 bytes; JSON allows spaces.
_JSON_WORDS: Final = np.array([f'"{_WORDS[word]}",'.ljust(11).encode() for word in _WORD_OF], "V11")
#: What an ``Accept`` header may call JSON, the most exact first.
_OF_JSON: Final = ("application/json", "application/*", "*/*")
_QUALITY: Final = re.compile(r";\s*q=([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")
#: Rows of one record batch: what a client holds at a time.
_BATCH_ROWS: Final = 16_384


class BigSegmentAnswers(WireModel):
    """What one segment says of all contexts."""

    key: Annotated[str, Field(description="The segment's key.")]
    revision: Annotated[
        Int32, Field(description="Number of the revision of the lists that all answers are of.")
    ]
    as_of: Annotated[
        Int64,
        Field(
            description="Unix ms: changes that were acknowledged by then are in the answers; "
            "later ones may be."
        ),
    ]
    answers: Annotated[
        list[Literal["included", "excluded", "unknown"]],
        Field(
            description="What the segment says of each context, in the order of the request. One "
            "in both lists is `included`, as in evaluation; `unknown` is in neither list."
        ),
    ]


class BigSegmentMemberships(WireModel):
    """What big segments say of contexts."""

    segments: Annotated[list[BigSegmentAnswers], Field(description="In the order of the request.")]


def render_json(question: BulkQuestion, found: Sequence[ListAnswers]) -> bytes:
    """Write the answers in the form of ``BigSegmentMemberships``.

    Cost: 10 ns an answer, which is a millisecond for 100,000: too long for the event loop.
    """
    return b'{"segments":[%b]}' % b",".join(_json_segments(question, found))


def render_arrow(question: BulkQuestion, found: Sequence[ListAnswers]) -> bytes:
    """Write the answers as an Arrow IPC stream: a column of contexts, then one for each segment."""
    contexts = question.contexts
    fields: list[pa.Field[Any]] = [pa.field("context", pa.string(), nullable=False)]
    columns: list[pa.Array[Any]] = [contexts]
    words = pa.array(_WORDS, pa.string())
    for key, answers in zip(question.segments, found, strict=True):
        codes: pa.Array[Any] = pa.array(_WORD_OF[answers.codes])
        column: pa.Array[Any] = pa.DictionaryArray.from_arrays(codes, words)
        facts = {"revision": str(answers.revision), "asOf": str(answers.as_of_ms)}
        fields.append(pa.field(key, column.type, nullable=False, metadata=facts))
        columns.append(column)
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=_BATCH_ROWS)
    return sink.getvalue().to_pybytes()


def wants_arrow(accept: Iterable[str]) -> bool:
    """Whether Arrow's stream is asked for by its name, and JSON is not preferred to it.

    Args:
        accept: the ``Accept`` headers; there may be several, or none.
    """
    qualities: dict[str, float] = {}
    for each in ",".join(accept).lower().split(","):
        kind, _, parameters = each.partition(";")
        quality = _QUALITY.search(f";{parameters}")
        qualities[kind.strip()] = float(quality[1]) if quality else 1.0
    arrow = qualities.get(ARROW_STREAM, 0.0)
    json = next((qualities[kind] for kind in _OF_JSON if kind in qualities), 0.0)
    return arrow > 0 and arrow >= json


def _json_segments(question: BulkQuestion, found: Sequence[ListAnswers]) -> Iterator[bytes]:
    for key, answers in zip(question.segments, found, strict=True):
        words = _JSON_WORDS[answers.codes].tobytes().rstrip(b", ")
        head = f'{{"key":{encode_basestring_ascii(key)},"revision":{answers.revision},'
        yield b'%b"asOf":%d,"answers":[%b]}' % (head.encode(), answers.as_of_ms, words)
