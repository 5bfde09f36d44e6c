"""Answers of models and tools as bytes in the journal, and back as what crewai was given."""

import functools
import importlib
from typing import Any

import msgspec
from pydantic import BaseModel

from protocol.objects import Usage


class Unwritable(Exception):
    """Raised for an answer that cannot be kept, because it is neither plain data nor made of pydantic models."""


class Encoded(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """A value: plain data, or a pydantic model with its class, or a list of such."""

    kind: str
    value: Any
    model: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model answered: with the ids, usage and time of the call that was really made.

    `within` names the calls of other models that it was made of; without a `call` of its own it was nothing else.
    """

    answer: Encoded
    call: str
    model: str
    usage: Usage | None = None
    reported: list[dict[str, Any]] = []
    seconds: float = 0.0
    within: list[str] = []


class Ran(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tool gave, or the text of what it raised. `said`: a person gave it, and the tool did not run."""

    result: Encoded | None = None
    error: str | None = None
    said: bool = False


def encode(value: Any) -> Encoded:
    """Write a value, or raise `Unwritable`."""
    if isinstance(value, BaseModel):
        kind = type(value)
        return Encoded("model", value.model_dump(mode="json", fallback=str), f"{kind.__module__}:{kind.__qualname__}")
    if isinstance(value, list) and any(isinstance(item, BaseModel) for item in value):
        return Encoded("list", [encode(item) for item in value])
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unwritable(f"{type(value).__name__}: {error}") from None
    return Encoded("plain", value)


def decode(encoded: Encoded, model: Any = None) -> Any:
    """Read what `encode` wrote; `model` is the class, where it is known, as it is for structured answers."""
    if encoded.kind == "list":
        return [decode(msgspec.convert(item, Encoded)) for item in encoded.value]
    if encoded.kind == "model":
        return (_class(model) or _found(encoded.model)).model_validate(encoded.value)
    return encoded.value


def _class(model: Any) -> type[BaseModel] | None:
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _found(path: str) -> type[BaseModel]:
    module, _, name = path.partition(":")
    found = _class(functools.reduce(getattr, name.split("."), importlib.import_module(module)))
    if found is None:
        raise Unwritable(f"{path} is not a pydantic model.")
    return found


to_bytes = msgspec.json.encode
read_answered = msgspec.json.Decoder(Answered).decode
read_ran = msgspec.json.Decoder(Ran).decode
