"""Python values as plain data, and back just as they were: what methods give, and what flows keep in their state.

Plain data stands for itself; anything else is an object with the key `~`, which says what it is. Only what comes back
with its own type and content is written: all else is `Unwritable`. Nothing is ever unpickled, and no constructor of a
user's class is called.
"""

import base64
import functools
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.crew import Crew
from crewai.flow.runtime import Flow
from crewai.llms.base_llm import BaseLLM
from crewai.task import Task
from crewai.tools.base_tool import BaseTool
from pydantic import BaseModel

from server.crews.calls.codec import Unwritable

KIND = "~"
#: Integers beyond are no numbers in JSON.
LARGEST = 2**63
#: Things that do something, and hold more than data.
ACTORS = (BaseAgent, BaseLLM, BaseTool, Crew, Flow, Task)

#: Values that are written as one text, and how that is read.
TEXTS: Mapping[type, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    UUID: (str, UUID),
    Decimal: (str, Decimal),
    bytes: (lambda value: base64.b64encode(value).decode(), base64.b64decode),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
    datetime: (datetime.isoformat, datetime.fromisoformat),
    timedelta: (
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
}
BY_NAME = {kind.__name__: read for kind, (_, read) in TEXTS.items()}
GROUPS: Mapping[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}


def to_bytes(value: Any) -> bytes:
    """Write a value as JSON, or raise `Unwritable`."""
    try:
        return msgspec.json.encode(write(value))
    except (RuntimeError, ValueError) as error:  # endless, or changed meanwhile, or text that is no Unicode
        raise Unwritable(f"{type(value).__name__}: {error}") from None


def from_bytes(data: bytes) -> Any:
    """Read what `to_bytes` wrote."""
    return read(msgspec.json.decode(data))


def write(value: Any) -> Any:
    """Give a value as plain data, or raise `Unwritable`."""
    kind = type(value)
    if value is None or kind in (bool, str) or (kind is int and abs(value) < LARGEST):
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list:
        return [write(item) for item in value]
    if kind is dict:
        return _mapping(value)
    if kind in TEXTS and _comes_back(value):
        return {KIND: kind.__name__, "text": TEXTS[kind][0](value)}
    if kind.__name__ in GROUPS and kind.__module__ == "builtins":
        items = [write(item) for item in value]
        return {KIND: kind.__name__, "items": items if kind is tuple else sorted(items, key=msgspec.json.encode)}
    return _object(value)


def _mapping(value: dict[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str for key in value) and KIND not in value:
        return {key: write(item) for key, item in value.items()}
    return {KIND: "dict", "items": [[write(key), write(item)] for key, item in value.items()]}


def _comes_back(value: Any) -> bool:
    """Tell whether a text says all: a time zone by name is lost, and so is the second of two equal hours."""
    zone = getattr(value, "tzinfo", None)
    return getattr(value, "fold", 0) == 0 and (zone is None or isinstance(zone, timezone))


def _object(value: Any) -> dict[str, Any]:
    kind = type(value)
    path = f"{kind.__module__}:{kind.__qualname__}"
    if isinstance(value, ACTORS) or _found(path) is not kind:
        raise Unwritable(path)
    if isinstance(value, Enum):
        return {KIND: "enum", "class": path, "name": value.name}
    if isinstance(value, BaseModel):
        return {KIND: "model", "class": path, "parts": _parts(value)}
    if is_dataclass(value) and not hasattr(kind, "__slots__"):
        return {KIND: "dataclass", "class": path, "fields": _mapping(vars(value))}
    raise Unwritable(path)


def _parts(value: BaseModel) -> list[Any]:
    """Give the parts of a model: its fields, which of them were set, what it has beyond them, its private ones."""
    own = {name: item for name, item in vars(value).items() if name in type(value).model_fields}
    return [
        _mapping(own),
        sorted(value.model_fields_set),
        write(value.__pydantic_extra__),
        write(value.__pydantic_private__),
    ]


def read(written: Any) -> Any:
    """Give a value back that `write` gave as plain data."""
    if isinstance(written, list):
        return [read(item) for item in written]
    if not isinstance(written, dict):
        return written
    kind = written.get(KIND)
    if kind is None:
        return {key: read(item) for key, item in written.items()}
    if kind in BY_NAME:
        return BY_NAME[kind](written["text"])
    if kind in GROUPS:
        return GROUPS[kind]([read(item) for item in written["items"]])
    if kind == "dict":
        return {read(key): read(item) for key, item in written["items"]}
    return _restored(kind, _class(written["class"]), written)


def _restored(kind: str, found: type, written: Mapping[str, Any]) -> Any:
    if kind == "enum" and issubclass(found, Enum):
        return found[written["name"]]
    if kind == "model" and issubclass(found, BaseModel):
        return _model(found, *written["parts"])
    if kind == "dataclass" and is_dataclass(found):
        value = object.__new__(found)
        vars(value).update(read(written["fields"]))
        return value
    raise Unwritable(f"{written['class']} is no {kind}.")


def _model(found: type[BaseModel], own: Any, given: list[str], extra: Any, private: Any) -> BaseModel:
    value = found.__new__(found)
    value.__setstate__(
        {
            "__dict__": read(own),
            "__pydantic_fields_set__": set(given),
            "__pydantic_extra__": read(extra),
            "__pydantic_private__": read(private),
        }
    )
    return value


def _class(path: str) -> type:
    found = _found(path)
    if not isinstance(found, type):
        raise Unwritable(f"{path} is gone.")
    return found


def _found(path: str) -> object:
    module, _, name = path.partition(":")
    try:
        return functools.reduce(getattr, name.split("."), importlib.import_module(module))
    except (AttributeError, ImportError):
        return None
