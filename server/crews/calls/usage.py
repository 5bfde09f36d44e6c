"""What a call to a model used, whatever its provider calls it. Pure."""

from collections.abc import Mapping
from typing import Any

from protocol.objects import Usage

#: What providers call the same three numbers.
PROMPT = ("prompt_tokens", "input_tokens", "prompt_token_count")
COMPLETION = ("completion_tokens", "output_tokens", "candidates_token_count")
TOTAL = ("total_tokens", "total_token_count")


def usage_of(reported: Mapping[str, Any] | None) -> Usage:
    """Read the usage of one model call, whatever the provider calls its numbers."""
    prompt, completion = _number(reported, PROMPT), _number(reported, COMPLETION)
    total = _number(reported, TOTAL) or prompt + completion
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)


def _number(reported: Mapping[str, Any] | None, names: tuple[str, ...]) -> int:
    values = ((reported or {}).get(name) for name in names)
    return next((int(value) for value in values if isinstance(value, int | float)), 0)
