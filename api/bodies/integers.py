"""Whole numbers of bodies and parameters, with the width that the OpenAPI document gives them.

Generators of clients take an integer without a format for one of 32 bits, and a time in
milliseconds does not fit that: Java shows another date without an error.
"""

from typing import Annotated

from pydantic import Field

#: Versions, generations, weights, and counts of what is listed or written one by one.
Int32 = Annotated[int, Field(json_schema_extra={"format": "int32"})]
#: Times and durations in milliseconds, sizes in bytes, rows and members: what may pass 2**31 - 1.
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]
