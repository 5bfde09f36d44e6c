"""Answers held against the OpenAPI document: each must be one that its operation describes."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from server.routes.openapi.document import document

PARAMETER = re.compile(r"{\w+}")


@functools.cache
def described() -> dict[str, Any]:
    return document("1")


def references(value: Any) -> Iterator[str]:
    """Find every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def fits(method: str, path: str, status: int, media: str, body: Any) -> None:
    """Fail when an answer is not what the document says; `path` without its query."""
    (operation,) = [
        operations[method.lower()]
        for template, operations in described()["paths"].items()
        if method.lower() in operations and re.fullmatch(PARAMETER.sub("[^/]+", template), path)
    ]
    response = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if "$ref" in response:
        assert status >= 400, f"{method} {path}: {status} is not described"
        response = described()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content")
    if content is None:
        assert not body
        return
    assert media in content, f"{method} {path}: {media} is not described"
    schema = content[media]["schema"]
    Draft202012Validator({**schema, "components": described()["components"]}).validate(body)


def is_described(call: Any) -> None:
    """Fail when a call to a webhook is not what the document says."""
    operation = described()["webhooks"][call["type"]]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described()["components"]}).validate(call)
