"""Row ids, made for a whole column at once."""

import base64
import os

import pyarrow as pa

ID_CHARS = 14
"""The length of dlt's row ids: ten bytes as base64 without padding."""


def random_ids(count: int) -> pa.Array:
    """`count` strings of 14 base64 characters each, random enough never to meet: 84 bits."""
    text = base64.b64encode(os.urandom(-(-count * ID_CHARS * 3 // 4)))
    fixed = pa.Array.from_buffers(pa.binary(ID_CHARS), count, [None, pa.py_buffer(text)])
    return fixed.cast(pa.binary()).cast(pa.string())
