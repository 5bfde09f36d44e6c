"""What the local model server answers, and how the interface of OpenAI writes it: in one piece, or in many."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call of a tool that the model asks for."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What an answer is said to have used; `cached` are among those of the prompt, and `total` is their sum, if any."""

    prompt: Any = 11
    completion: int = 7
    cached: int = 0
    total: int | None = None

    def wire(self) -> dict[str, Any]:
        total = self.prompt + self.completion if self.total is None else self.total
        details = {"prompt_tokens_details": {"cached_tokens": self.cached}} if self.cached else {}
        return {"prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": total, **details}


@dataclass(frozen=True)
class Reply:
    """One answer: a text, or calls of tools, or a failure; given at once, or when `hold` is set.

    `breaks`: a streamed answer ends after its first piece, as when a connection is lost.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    status: int = 200
    hold: threading.Event | None = None
    tokens: Tokens = field(default_factory=Tokens)
    breaks: bool = False


def whole(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """Write an answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": None if reply.calls else reply.text}
    if reply.calls:
        message["tool_calls"] = [_call(call, number) for number, call in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": reply.tokens.wire()}


def chunks(body: dict[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    """Write an answer in pieces: a word each, a call's arguments in two."""
    head = _head(body, "chat.completion.chunk")

    def piece(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield piece({"role": "assistant", "content": ""})
    for number, call in enumerate(reply.calls):
        for part in _call_parts(call, number):
            yield piece({"tool_calls": [{"index": number, **part}]})
    for word in _words(reply.text):
        yield piece({"content": word})
        if reply.breaks:
            return
    yield piece({}, _finish(reply))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": reply.tokens.wire()}


def _words(text: str) -> list[str]:
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + words[-1:] if text else []


def _call(call: Call, number: int) -> dict[str, Any]:
    function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
    return {"id": f"call_{number}_{time.monotonic_ns()}", "type": "function", "function": function}


def _call_parts(call: Call, number: int) -> Iterator[dict[str, Any]]:
    made = _call(call, number)
    arguments = made["function"]["arguments"]
    middle = len(arguments) // 2
    yield {**made, "function": {"name": call.tool, "arguments": arguments[:middle]}}
    yield {"function": {"arguments": arguments[middle:]}}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 1, "model": body.get("model", "")}
