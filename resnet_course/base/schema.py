"""JSON files that follow a schema (JSON Schema, draft 7), which lies beside the code that reads them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """What stands in a JSON file. NaN and Infinity, which are no JSON, become texts: no schema takes them for numbers.

    Raises:
        OSError, ValueError, RecursionError: if there is no such file, or no whole JSON in it.
    """
    return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=str)  # some editors put a mark in front


def check_schema(found: Any, schema: Path) -> None:
    """Check a value against the schema in a file.

    Raises:
        ValueError: naming the first field that is not as it should be.
    """
    from fastjsonschema import JsonSchemaValueException

    try:
        _validator(schema)(found)
    except JsonSchemaValueException as error:
        raise ValueError(f"{error.message.removeprefix('data').lstrip('. ')}, it is {error.value!r:.60}") from error


@functools.cache
def _validator(schema: Path) -> Callable[[Any], Any]:
    import fastjsonschema  # here, because a lesson that reads no such file does not need it

    return fastjsonschema.compile(json.loads(schema.read_text(encoding="utf-8")))
