"""What a crew needs to be told before it can start: the placeholders in its texts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

from crewai import Crew

from server.crews.names import title

#: The pattern that a kickoff itself replaces, so that JSON in a prompt is not taken for inputs.
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_\-]*)}")


def input_schema(crew: Crew) -> dict[str, Any]:
    """Describe the inputs as a JSON Schema: every placeholder a property, required unless the crew may supply it."""
    names = list(dict.fromkeys(name for text in _texts(crew) for name in PLACEHOLDER.findall(text)))
    supplied = _supplied(crew.before_kickoff_callbacks)
    return {
        "type": "object",
        "properties": {name: {"type": "string", "title": title(name)} for name in names},
        "required": [name for name in names if name not in supplied],
    }


def missing(schema: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
    """Name the required inputs that were not given."""
    return [name for name in schema["required"] if name not in inputs]


def escaping(crew: Crew, inputs: Mapping[str, Any]) -> list[str]:
    """Name the inputs that would lead an output file out of its folder: a slash, a backslash, `..`, a null."""
    used = {name for task in crew.tasks for name in PLACEHOLDER.findall(task.output_file or "")}
    return sorted(name for name in used if re.search(r"[/\\\0]|^\.\.$", str(inputs.get(name, ""))))


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
