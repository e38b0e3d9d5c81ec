"""Schemas of bodies that are parsed by hand, as an OpenAPI document wants them.

Promises: no references: inside of a route's extra they would point to nothing.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def request_body(model: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON body of this model, with examples by name."""
    schema = model.model_json_schema()
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": _inlined(schema, schema.get("$defs", {})),
                "examples": {name: {"value": value} for name, value in examples.items()},
            }
        },
    }


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Without references: inside of an OpenAPI document they would point to nothing."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(inner, definitions) for name, inner in schema.items() if name != "$defs"}
