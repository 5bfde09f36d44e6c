"""Frames of real runs, held against the contracts: each must be what JSON Schema and AsyncAPI describe, and no more."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.client import Client, Frame
from tests.support.processes import ROOT

Json = dict[str, Any]


def closed(schema: Any) -> Any:
    """Let objects with named fields have no others: what is not described is not sent."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(each) for name, each in schema.items()}
    named = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {**inner, "additionalProperties": False} if named else inner


@functools.cache
def read(name: str) -> Json:
    document: Json = closed(json.loads((ROOT / "protocol" / name).read_text(encoding="utf-8")))
    return document


@functools.cache
def by_json_schema(root: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{root}", "$defs": read("schema.json")["$defs"]})


@functools.cache
def by_asyncapi(message: str) -> Draft202012Validator:
    document = read("asyncapi.json")
    payload = document["components"]["messages"][message]["payload"]
    return Draft202012Validator({**payload, "components": document["components"]})


def message_of(frame: Frame, asked: dict[Any, str]) -> str:
    """Name the message of the AsyncAPI document that a frame is; `asked`: commands by their id."""
    if frame["type"] == "reply":
        return f"reply.{asked[frame['re']]}"
    return f"event.{frame['type']}" if "." in frame["type"] else f"control.{frame['type']}"


class Recorder:
    """Notes what a client sends, beside what it gets."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent: list[Frame] = []
        self._send = client.send
        client.send = self.send  # type: ignore[method-assign]  # to listen in

    async def send(self, frame: Frame) -> None:
        self.sent.append(frame)
        await self._send(frame)

    @property
    def asked(self) -> dict[Any, str]:
        return {frame["id"]: frame["type"] for frame in self.sent if "id" in frame}

    def faults(self) -> Iterator[str]:
        """Tell of all that is not what the contracts say."""
        names = set(read("schema.json")["$defs"]["Command"]["discriminator"]["mapping"])
        refused = {frame.get("re") for frame in self.client.frames if frame["type"] == "error"}
        for frame in self.sent:
            if frame["type"] in names and frame.get("id") not in refused:
                yield from _faults(frame, by_json_schema("Command"), by_asyncapi(f"command.{frame['type']}"))
        for frame in self.client.frames:
            message = message_of(frame, self.asked)
            yield from _faults(frame, by_json_schema("ServerFrame"), by_asyncapi(message))


def _faults(frame: Frame, *validators: Draft202012Validator) -> Iterator[str]:
    for validator in validators:
        for error in validator.iter_errors(frame):
            yield f"{frame['type']}: {error.json_path}: {error.message[:300]}"
