"""A validator of JSON schemas, for the words that ours use."""

import re

ANNOTATIONS = {"$schema", "title", "description", "$defs"}
TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
CHECKS = {
    "type": lambda value, names, _root: any(
        TYPES[name](value) for name in ([names] if isinstance(names, str) else names)
    ),
    "const": lambda value, constant, _root: value == constant,
    "enum": lambda value, allowed, _root: value in allowed,
    # These hold for values of other types, as the standard says.
    "minimum": lambda value, least, _root: not TYPES["number"](value) or value >= least,
    "pattern": lambda value, pattern, _root: (
        not isinstance(value, str) or re.search(pattern, value)
    ),
    "required": lambda value, keys, _root: not isinstance(value, dict) or set(keys) <= set(value),
    "minItems": lambda value, least, _root: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda value, most, _root: not isinstance(value, list) or len(value) <= most,
    "anyOf": lambda value, schemas, root: any(
        not list(problems(value, one, root)) for one in schemas
    ),
    "$ref": lambda value, name, root: (
        not list(problems(value, root["$defs"][name.split("/")[-1]], root))
    ),
}
INSIDE = {"properties", "items", "additionalProperties"}


def problems(value, schema, root=None, path="$"):
    """Where a value is not what the schema says."""
    root = root or schema
    assert set(schema) <= ANNOTATIONS | set(CHECKS) | INSIDE, "a word this validator does not know"
    wrong = [
        word for word in CHECKS if word in schema and not CHECKS[word](value, schema[word], root)
    ]
    yield from (f"{path}: {word} {schema[word]}" for word in wrong)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            yield from (f"{path}: {key} is unknown" for key in set(value) - set(known))
        for key in set(known) & set(value):
            yield from problems(value[key], known[key], root, f"{path}.{key}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from problems(item, schema["items"], root, f"{path}[{i}]")
