"""The OpenAPI 3.1 document, of the table of operations and of the structs that handlers read and write. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Any, get_args

import msgspec
from msgspec import Struct

from protocol.errors import ERRORS, ErrorCode
from protocol.events import AnyEvent
from server.dispatch import Events
from server.routes.openapi import deliveries
from server.routes.openapi.operations.row import JSON, Answer, Operation, Parameter
from server.routes.openapi.table import OPERATIONS
from server.webhooks.formats import About

REF = "#/components/schemas/{name}"
IN_PATH = re.compile(r"{(\w+)}")
#: What components are called whose structs share a name.
PREFIXES = {"server.routes.compat.platform_shown": "Platform", "server.routes.compat": "Compat"}
Schema = Mapping[str, Any]


class Problem(Struct, frozen=True, kw_only=True):
    """A refusal (RFC 9457), with a code of the wire contract, whether trying again can help, and what else there is."""

    type: str
    title: str
    status: int
    detail: str
    code: ErrorCode
    retry: bool


class Detail(Struct, frozen=True, kw_only=True):
    """A refusal by `/api/crew/*`; a list where the body is at fault."""

    detail: str | list[dict[str, Any]]


class CallError(Struct, frozen=True, kw_only=True):
    """A refusal by `POST /api/crew`."""

    status: str
    error: str
    execution_id: str | None = None


class PlatformError(Struct, frozen=True, kw_only=True):
    """A refusal in the words of CrewAI's platform."""

    error: str
    message: str
    detail: str
    details: dict[str, Any] | None = None


#: How to say who one is; a server that asks nobody takes no notice of it.
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A JSON Web Token, or an API key (`qdk_…`) that `quarterdeck keys create` made. "
    "A server in open mode asks for neither.",
}
REFUSALS: Mapping[str, Any] = {each.__name__: each for each in (Problem, Detail, CallError, PlatformError)}


def document(version: str) -> dict[str, Any]:
    """Make the document."""
    structs = _structs(OPERATIONS)
    schemas, components = _schemas(structs)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quarterdeck",
            "version": version,
            "summary": "Runs CrewAI crews that stop, ask a person, and carry on.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "webhooks": deliveries.webhooks(REF),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": _refusals(schemas),
            "securitySchemes": {"bearer": BEARER},
        },
        "x-errors": {code.value: rule._asdict() for code, rule in ERRORS.items()},
    }


def written(document: Schema) -> str:
    """Write the document as JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _structs(operations: Sequence[Operation]) -> list[Any]:
    """Collect every struct that stands in the table, each once."""
    found: list[Any] = [AnyEvent, About, *REFUSALS.values()]
    for operation in operations:
        content = [kind for answer in operation.answers.values() for kind in answer.content.values()]
        found += [kind for whole in (operation.body, *content) for kind in _members(whole)]
    return list(dict.fromkeys(found))


def _members(kind: Any) -> tuple[Any, ...]:
    """Take a union apart: msgspec describes only unions that it could tell apart when it reads them."""
    if kind is None or isinstance(kind, Mapping):
        return ()
    return get_args(kind) or (kind,)


def _schemas(structs: Sequence[Any]) -> tuple[dict[Any, Schema], dict[str, Any]]:
    """Describe the structs: each one's schema, and the components that these are made of, under good names."""
    schemas, components = msgspec.json.schema_components(structs, ref_template=REF)
    names = {name: _called(name) for name in components}
    assert len(set(names.values())) == len(names), "two components have one name"
    renamed = _renamed({"schemas": schemas, "components": components}, names)
    for schema in renamed["components"].values():
        if "description" in schema:  # a docstring, which Python 3.13 dedents and older ones do not
            schema["description"] = cleandoc(schema["description"])
    described = dict(zip(structs, renamed["schemas"], strict=True))
    # The handler passes events on as they are stored, so that its struct calls them raw.
    renamed["components"][Events.__name__]["properties"]["items"]["items"] = described[AnyEvent]
    return described, renamed["components"]


def _called(name: str) -> str:
    module, _, last = name.rpartition(".")
    return next((prefix + last for start, prefix in PREFIXES.items() if module.startswith(start)), last)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Give components other names, and all references to them."""
    references = {REF.format(name=old): REF.format(name=new) for old, new in names.items()}

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: walk(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [walk(inner) for inner in part]
        return references.get(part, part) if isinstance(part, str) else part

    found: dict[str, Any] = walk(value)
    return {**found, "components": {names[name]: schema for name, schema in found["components"].items()}}


def _operation(operation: Operation, schemas: Mapping[Any, Schema], components: dict[str, Any]) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in IN_PATH.findall(operation.path)
    ]
    responses: dict[str, Any] = {
        str(status): _answer(answer, schemas) for status, answer in sorted(operation.answers.items())
    }
    if not operation.open and operation.refusal:
        responses |= _closed(schemas[REFUSALS[operation.refusal]], operation.refusal)
    if operation.refusal:
        responses["default"] = {"$ref": f"#/components/responses/{operation.refusal}"}
    described = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.text,
        "parameters": [*in_path, *map(_parameter, operation.parameters)],
        "responses": responses,
        **({} if operation.open else {"security": [{"bearer": []}]}),
    }
    if operation.body is not None:
        schema = _body(operation, schemas, components)
        described["requestBody"] = {"required": not operation.optional, "content": {JSON: {"schema": schema}}}
    return described


def _closed(schema: Schema, refusal: str) -> dict[str, Any]:
    """Describe what comes where nobody knows who asks, or where they lack a role."""
    content = {"content": {_media(refusal): {"schema": schema}}}
    header = {"WWW-Authenticate": {"description": "How to say it.", "schema": {"const": "Bearer"}}}
    return {
        "401": {
            "description": "Nobody knows who asks: there is no token, or none that is good.",
            "headers": header,
            **content,
        },
        "403": {"description": "Whoever asks lacks the role that it takes.", **content},
    }


def _media(refusal: str) -> str:
    return "application/problem+json" if refusal == Problem.__name__ else JSON


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.text,
        "schema": dict(parameter.schema),
    }


def _answer(answer: Answer, schemas: Mapping[Any, Schema]) -> dict[str, Any]:
    content = {media: {"schema": _content(kind, schemas)} for media, kind in answer.content.items()}
    return {"description": answer.text, **({"content": content} if content else {})}


def _content(kind: Any, schemas: Mapping[Any, Schema]) -> Schema:
    if isinstance(kind, Mapping):
        return kind
    members = [schemas[member] for member in _members(kind)]
    return members[0] if len(members) == 1 else {"anyOf": members}


def _body(operation: Operation, schemas: Mapping[Any, Schema], components: dict[str, Any]) -> Schema:
    """Describe a body: its struct, less what the path says."""
    if not operation.less:
        return schemas[operation.body]
    whole, name = components.pop(operation.body.__name__), f"{operation.body.__name__}Body"
    components[name] = {
        **whole,
        "title": name,
        "properties": {key: value for key, value in whole["properties"].items() if key not in operation.less},
        "required": [key for key in whole.get("required", []) if key not in operation.less],
    }
    return {"$ref": REF.format(name=name)}


def _refusals(schemas: Mapping[Any, Schema]) -> dict[str, Any]:
    return {
        name: {
            "description": cleandoc(kind.__doc__ or ""),
            "content": {_media(name): {"schema": schemas[kind]}},
        }
        for name, kind in REFUSALS.items()
    }
