"""What a marshmallow schema takes, as JSON Schema, so that a contract can be held against the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, missing, validate

Json = dict[str, Any]

#: Fields a service made for itself, by the name of their class, as the contracts describe them.
OWN_FIELDS: Mapping[str, Json] = {
    "_Filled": {
        "type": ["string", "boolean", "array"],
        "minLength": 1,
        "maxLength": 4000,
        "minItems": 1,
        "maxItems": 100,
        "items": {"type": "string", "minLength": 1, "maxLength": 4000},
    },
    "_Amount": {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,2})?$"},
    "_Month": {"type": "string", "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])$"},
}


_OF_A_LIST = {"minLength": "minItems", "maxLength": "maxItems"}


def schema_of(kind: type[Schema] | Schema, *, unknown: str | None = None) -> Json:
    """Return the JSON Schema of what ``kind`` loads; checks by plain functions are not in it.

    ``unknown`` is what the loader makes of unknown fields; without it the schema's own word counts.
    """
    schema = kind() if isinstance(kind, type) else kind
    properties = {_name(name, field): of_field(field) for name, field in schema.load_fields.items()}
    required = sorted(_name(name, field) for name, field in schema.load_fields.items() if field.required)
    result: Json = {"type": "object", "properties": properties}
    if required:
        result["required"] = required
    if (unknown or schema.unknown) != EXCLUDE:
        result["additionalProperties"] = False
    return result


def of_field(field: fields.Field[Any]) -> Json:
    """Return the JSON Schema of one field."""
    shape = _shape(field)
    for check in field.validators:
        shape |= _check(check)
    if shape["type"] == "array":
        # A list's length is told by its items.
        shape = {_OF_A_LIST.get(key, key): value for key, value in shape.items()}
    if field.allow_none:
        shape["type"] = [shape["type"], "null"]
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    default = field.load_default
    if default is not missing and default is not None and not callable(default):
        shape["default"] = default
    return shape


def plain(schema: Json) -> Json:
    """Return a schema without remarks and without the conditions over several fields that are tried instead."""
    shape = {
        key: plain(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if key not in {"description", "allOf", "anyOf", "if", "then", "else", "maxProperties"}
    }
    if "required" in shape:
        shape["required"] = sorted(shape["required"])
    if shape.get("type") == "object" and "propertyNames" not in shape:
        shape.setdefault("properties", {})
    return shape


def _name(name: str, field: fields.Field[Any]) -> str:
    return field.data_key or name


def _shape(field: fields.Field[Any]) -> Json:
    own = OWN_FIELDS.get(type(field).__name__)
    if own is not None:
        return dict(own)
    if isinstance(field, fields.Nested):
        return schema_of(field.schema)
    if isinstance(field, fields.List):
        return {"type": "array", "items": of_field(field.inner)}
    if isinstance(field, fields.Dict):
        return _dictionary(field)
    for kind, shape in _PLAIN.items():
        if isinstance(field, kind):
            return dict(shape)
    raise TypeError(f"{type(field).__name__} has no JSON Schema here: describe it in OWN_FIELDS")


def _dictionary(field: fields.Dict) -> Json:
    shape: Json = {"type": "object"}
    if field.key_field is not None:
        shape["propertyNames"] = {k: v for k, v in of_field(field.key_field).items() if k != "type"}
    if field.value_field is not None:
        shape["additionalProperties"] = of_field(field.value_field)
    return shape


_PLAIN: Mapping[type[fields.Field[Any]], Json] = {
    fields.AwareDateTime: {"type": "string", "format": "date-time"},
    fields.Date: {"type": "string", "format": "date"},
    fields.Boolean: {"type": "boolean"},
    fields.Integer: {"type": "integer"},
    fields.String: {"type": "string"},
}


def _check(check: Callable[..., Any]) -> Json:
    if isinstance(check, validate.Length):
        return _bounds(check.min, check.max, "minLength", "maxLength")
    if isinstance(check, validate.Range):
        return _bounds(check.min, check.max, "minimum", "maximum")
    if isinstance(check, validate.Regexp):
        # JSON Schema's patterns are those of ECMA 262, where $ is the very end of the text.
        return {"pattern": re.sub(r"\\Z$", "$", str(check.regex.pattern))}
    if isinstance(check, validate.OneOf):
        return {"enum": list(check.choices)}
    # A plain function: what it refuses is told in words, and tried in the tests.
    return {}


def _bounds(least: Any, most: Any, least_name: str, most_name: str) -> Json:
    return {name: bound for name, bound in ((least_name, least), (most_name, most)) if bound is not None}
