"""How a crew's inputs are described: as a JSON Schema, of the placeholders in its texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, MappingProxyType
from typing import Any

from crewai import Crew

from server.crews.inputs import PLACEHOLDER
from server.crews.names import title

NOTHING: Mapping[str, Any] = MappingProxyType({})
#: What JSON Schema calls the types of default values; any other is a text.
TYPES = ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))


def input_schema(crew: Crew, defaults: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """Describe the inputs: every placeholder a property, required unless the crew has a default or may supply it."""
    placeholders = [name for text in _texts(crew) for name in PLACEHOLDER.findall(text)]
    names = list(dict.fromkeys([*placeholders, *defaults]))
    supplied = _supplied(crew.before_kickoff_callbacks)
    return {
        "type": "object",
        "properties": {name: _property(name, defaults) for name in names},
        "required": [name for name in names if name not in supplied and name not in defaults],
    }


def _property(name: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    if defaults.get(name) is None:
        return {"type": "string", "title": title(name)}
    value = defaults[name]
    kind = next((word for type_, word in TYPES if isinstance(value, type_)), "string")
    return {"type": kind, "title": title(name), "default": value}


def _texts(crew: Crew) -> Iterator[str]:
    for task in crew.tasks:
        yield from (task.description, task.expected_output, task.output_file or "")
    for agent in crew.agents:
        yield from (agent.role, agent.goal, agent.backstory)


def _supplied(callbacks: Sequence[Callable[..., Any]]) -> set[str]:
    """Find the strings that the crew's `before_kickoff` code mentions: it may set inputs of those names itself."""
    found: set[str] = set()
    for callback in callbacks:
        code = getattr(_bare(callback), "__code__", None)
        if isinstance(code, CodeType):
            found |= _strings(code)
    return found


def _bare(callback: Any) -> Any:
    while inner := getattr(callback, "__wrapped__", None) or getattr(callback, "__func__", None):
        callback = inner
    return callback


def _strings(code: CodeType) -> set[str]:
    nested = (_strings(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return {constant for constant in code.co_consts if isinstance(constant, str)}.union(*nested)
