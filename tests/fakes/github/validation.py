"""Compares what the emulator says with GitHub's own descriptions of REST and of webhooks."""

import functools
import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tests.fakes.github.schemas import REST, WEBHOOKS, Described, document

Json = dict[str, Any]
# The description of this list wants an account to be a user and an enterprise at once; that of one installation is right.
_CORRECTED = {"/app/installations": {"type": "array", "items": {"$ref": "#/components/schemas/installation"}}}


class Undescribed(Exception):
    """GitHub describes no such thing, or describes it otherwise; the text says what is wrong."""


def check_rest(method: str, path: str, status: int, body: Any) -> str:
    """Compare an answer of REST with its description, `path` being without /api/v3; give the path's template.

    An error whose status is not described for a path must have the form that all errors have. Raises Undescribed.
    """
    template = find_template(path)
    operation = document(REST)["paths"].get(template, {}).get(method.lower())
    if operation is None:
        raise Undescribed(f"expected a path of GitHub's, got {method} {path}")
    if status == 304:
        return template
    response = _resolved(operation["responses"].get(str(status)))
    if response is None and status < 300:
        raise Undescribed(f"expected a status that GitHub describes for {method} {template}, got {status}")
    content = response.get("content", {}).get("application/json") if response else None
    schema = content["schema"] if content else {"$ref": "#/components/schemas/basic-error"}
    if status == 200:
        schema = _CORRECTED.get(template, schema)
    _compare(f"{method} {template} {status}", _validator(REST, _frozen(schema)), body)
    return template


def check_webhook(event: str, payload: Json) -> None:
    """Compare a webhook's payload with the description of its event and action. Raises Undescribed."""
    name = "-".join([event.replace("_", "-"), *filter(None, [payload.get("action")])])
    described = document(WEBHOOKS)["webhooks"].get(name)
    if described is None:
        raise Undescribed(f"expected an event of GitHub's, got {name!r}")
    schema = described["post"]["requestBody"]["content"]["application/json"]["schema"]
    _compare(name, _validator(WEBHOOKS, _frozen(schema)), payload)


def find_template(path: str) -> str:
    """Find the described path that an actual one stands for, '' when there is none; plain words go before braces."""
    parts = path.strip("/").split("/")
    fitting = [template for template, pattern in _templates().get(len(parts), ()) if pattern.fullmatch(path)]
    return min(fitting, key=lambda template: template.count("{"), default="")


@functools.cache
def _templates() -> dict[int, list[tuple[str, re.Pattern[str]]]]:
    """The described paths by their number of parts."""
    found: dict[int, list[tuple[str, re.Pattern[str]]]] = {}
    for template in document(REST)["paths"]:
        pattern = re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)))
        found.setdefault(len(template.strip("/").split("/")), []).append((template, pattern))
    return found


def _resolved(response: Any) -> Any:
    """Follow a response's reference."""
    if response and "$ref" in response:
        return document(REST)["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


def _frozen(schema: Json) -> str:
    """Write a schema so that it can be a key."""
    return json.dumps(schema, sort_keys=True)


@functools.cache
def _validator(described: Described, frozen: str) -> Draft202012Validator:
    """Make a validator of a schema with just the parts that it refers to."""
    schema = json.loads(frozen)
    known, parts = document(described)["components"]["schemas"], {}
    waiting = _references(schema)
    while waiting:
        name = waiting.pop()
        if name not in parts:
            parts[name] = _modern(known[name])
            waiting |= _references(known[name])
    return Draft202012Validator({**_modern(schema), "components": {"schemas": parts}})


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(_references, schema.values()))


def _modern(schema: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into JSON Schema, and leave out examples."""
    if isinstance(schema, list):
        return [_modern(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _modern(value) for key, value in schema.items() if key not in {"nullable", "example", "examples"}}
    return {"anyOf": [{"type": "null"}, kept]} if schema.get("nullable") is True else kept


def _compare(what: str, validator: Draft202012Validator, said: Any) -> None:
    errors = list(validator.iter_errors(said))
    if errors:
        worst = best_match(errors)
        raise Undescribed(f"{what}: {len(errors)} faults, such as {worst.json_path}: {worst.message[:300]}")
