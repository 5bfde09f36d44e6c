"""What a crew was told, checked before it starts."""

import re
from collections.abc import Mapping
from typing import Any

from crewai import Crew

#: The pattern that a kickoff itself replaces, so that JSON in a prompt is not taken for inputs.
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_\-]*)}")


def missing(schema: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
    """Name the required inputs that were not given."""
    return [name for name in schema["required"] if name not in inputs]


def escaping(crew: Crew, inputs: Mapping[str, Any]) -> list[str]:
    """Name the inputs that would lead an output file out of its folder: a slash, a backslash, `..`, a null."""
    used = {name for task in crew.tasks for name in PLACEHOLDER.findall(task.output_file or "")}
    return sorted(name for name in used if re.search(r"[/\\\0]|^\.\.$", str(inputs.get(name, ""))))
