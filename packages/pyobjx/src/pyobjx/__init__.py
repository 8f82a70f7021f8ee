"""Nested data without pain: dotted and indexed access to maps and JSON, after objx.

from pyobjx import from_json

state = from_json(response.text)
state.get("frameworks[0].tasks[1].id").str()
"""

from .errors import DataError, ObjxError, PathError
from .lists import List
from .map import (
    Map,
    SupportsMap,
    from_base64,
    from_json,
    from_json_file,
    from_json_list,
    from_signed_base64,
    from_url_query,
)
from .path import Path
from .text import hash_with_key
from .value import Value

__all__ = [
    "DataError",
    "List",
    "Map",
    "ObjxError",
    "Path",
    "PathError",
    "SupportsMap",
    "Value",
    "from_base64",
    "from_json",
    "from_json_file",
    "from_json_list",
    "from_signed_base64",
    "from_url_query",
    "hash_with_key",
]
