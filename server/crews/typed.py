"""Typed answers: what one must be, as a JSON Schema for people, and a check that says field by field what is wrong."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from server.checkpoint.fit import misfits


class Form:
    """What an answer must be: a pydantic model, any type that pydantic reads, or a JSON Schema.

    Raises `TypeError` for what is none of them.
    """

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[Any] | None = None
        if isinstance(kind, Mapping):
            self.schema: dict[str, Any] = dict(kind)
            return
        try:
            self._adapter = TypeAdapter(kind)
            self.schema = self._adapter.json_schema()
        except Exception as error:  # pydantic has many, none of which says what this is about
            raise TypeError(f"{kind!r} is neither a pydantic model or type, nor a JSON Schema: {error}") from error

    def read(self, value: Any) -> tuple[str, str]:
        """Give a value as JSON, and why it does not fit; one of them is empty."""
        if self._adapter is None:
            found = misfits(self.schema, value, "answer")
            wrong = "; ".join(f"{where}: {reason}" for where, reason in found.items())
            return ("", wrong) if wrong else (json.dumps(value, ensure_ascii=False), "")
        try:
            return self._adapter.dump_json(self._validated(value)).decode(), ""
        except ValidationError as error:
            return "", complaint(error)

    def _validated(self, value: Any) -> Any:
        """Validate as JSON is: a date may be a text. A text may itself be the JSON, as people type it."""
        assert self._adapter is not None, "checked by the caller"
        try:
            return self._adapter.validate_json(json.dumps(value))
        except ValidationError:
            if not isinstance(value, str):
                raise
            return self._adapter.validate_json(value)


def complaint(error: ValidationError) -> str:
    """Say in one line, field by field, what is wrong."""
    return "; ".join(_one(dict(item)) for item in error.errors(include_url=False))


def _one(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    return f"{where}: {item['msg']}" if where else str(item["msg"])
