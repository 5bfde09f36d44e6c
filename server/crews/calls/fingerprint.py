"""What makes two calls the same: a hash of what is asked, without what differs from attempt to attempt. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

#: Parts of a message that say nothing to the model, or repeat what other parts say with fresh ids.
LEFT_OUT = frozenset({"raw_tool_call_parts", "cache_breakpoint"})


def fingerprint(*parts: Any) -> str:
    """Hash plain data, and what can be written as such; 16 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def of_model_call(model: str, messages: Any, tools: Any, response_model: Any) -> str:
    """Hash what a model is asked. The order of its tools says nothing: servers list them in any."""
    name = response_model.__name__ if isinstance(response_model, type) else None
    return fingerprint(model, normalised(messages), _sorted(tools), name)


def normalised(messages: Any) -> Any:
    """Number the ids of tool calls in order: models, or addresses in memory, make new ones on each attempt."""
    if not isinstance(messages, list):
        return messages
    numbers: dict[Any, str] = {}

    def number(ident: Any) -> str:
        return numbers.setdefault(str(ident), f"call{len(numbers)}")

    return [_message(message, number) if isinstance(message, Mapping) else message for message in messages]


def _message(message: Mapping[str, Any], number: Any) -> dict[str, Any]:
    plain = {name: value for name, value in message.items() if name not in LEFT_OUT}
    if plain.get("tool_calls"):
        plain["tool_calls"] = [_call(call, number) for call in plain["tool_calls"]]
    if plain.get("tool_call_id"):
        plain["tool_call_id"] = number(plain["tool_call_id"])
    return plain


def _call(call: Any, number: Any) -> Any:
    plain = call.model_dump(mode="json") if isinstance(call, BaseModel) else call
    return {**plain, "id": number(plain.get("id"))} if isinstance(plain, Mapping) else plain


def _sorted(tools: Any) -> Any:
    if not isinstance(tools, list):
        return tools
    return sorted(json.dumps(tool, sort_keys=True, default=_plain) for tool in tools)


def _plain(value: Any) -> Any:
    """Write what JSON cannot: models by their fields, sets in order, the rest by its type alone, never its address."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", fallback=_plain)
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(item, sort_keys=True, default=_plain) for item in value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    text = str(value)
    return text if " at 0x" not in text else f"{type(value).__module__}.{type(value).__qualname__}"
