# SPDX-License-Identifier: GPL-2.0-only
"""The JSON schemas of the verifier's answers and of evidence."""

import json

from lab.verifier import SOURCE


def text(name: str) -> str:
    return (SOURCE / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")


def load(name: str) -> dict:
    return json.loads(text(name))


def closed(schema):
    """The same, but a member that it does not list is an error."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    if schema.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def errors(schema: dict, document) -> list[str]:
    """What is wrong with a document, line by line."""
    import jsonschema  # not at the top: modules of the lab load without packages

    jsonschema.Draft202012Validator.check_schema(schema)
    return [f"{error.json_path}: {error.message}"
            for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
