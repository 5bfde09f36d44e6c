"""The offline demo model: a CrewAI model that writes without a network, the same text for the same prompt."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import BaseLLM, llm_call_context
from crewai.utilities.types import LLMMessage
from pydantic import BaseModel

from server.demo.pace import DEFAULT_SPEED, timed_pieces
from server.demo.writer import write
from server.demo.writer.prompt import Prompt, read
from server.demo.writer.trends import topic_to_look_up

MODEL_NAME: Final = "quarterdeck/demo"
_TOOL: Final = "trend_lookup"
_CONTEXT_WINDOW: Final = 1_000_000

# What CrewAI's parser takes for a command to itself; a brief that quotes one must not cut the answer short.
_COMMANDS: Final = re.compile(r"Final Answer:|Action\s*\d*\s*(?:Input\s*\d*\s*)?:")

ToolCalls = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who made a call: what CrewAI's events want to know."""

    task: Any
    agent: Any

    def named(self) -> dict[str, Any]:
        return {"from_task": self.task, "from_agent": self.agent}


class DemoModel(BaseLLM):
    """Write the four tasks of the demo crew from their prompts, at a pace at which one can watch.

    Like the models of real providers it emits the events of each call, streams its text in pieces, counts
    tokens (as a quarter of the characters), and calls the lookup tool once when it is offered.
    """

    #: Tells whoever describes the crew that no language model is at work.
    demo_model: ClassVar[bool] = True

    llm_type: str = "quarterdeck_demo"
    stream: bool | None = True
    words_per_second: float = DEFAULT_SPEED

    def call(
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
    ) -> str | Any:
        """Answer a prompt; sleeps between pieces, so call it on a thread that may wait."""
        caller = _Caller(from_task, from_agent)
        with self._reported(messages, tools, caller):
            formatted, answer = self._answer(messages, tools, caller)
            started = time.monotonic()
            for due, piece in self._pieces(answer):
                time.sleep(max(0.0, started + due - time.monotonic()))
                self._emit_stream_chunk_event(piece, call_type=LLMCallType.LLM_CALL, **caller.named())
            return self._finish(formatted, answer, caller, response_model)

    async def acall(
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
    ) -> str | Any:
        """Answer a prompt without holding a thread."""
        caller = _Caller(from_task, from_agent)
        with self._reported(messages, tools, caller):
            formatted, answer = self._answer(messages, tools, caller)
            started = time.monotonic()
            for due, piece in self._pieces(answer):
                await asyncio.sleep(max(0.0, started + due - time.monotonic()))
                self._emit_stream_chunk_event(piece, call_type=LLMCallType.LLM_CALL, **caller.named())
            return self._finish(formatted, answer, caller, response_model)

    def supports_function_calling(self) -> bool:
        """Say yes: tools are called with native tool calls."""
        return True

    def get_context_window_size(self) -> int:
        """Return a size that no prompt of the demo crew reaches, so CrewAI never asks for a summary."""
        return _CONTEXT_WINDOW

    def get_input_tokens_count(
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, Any]] | None = None,
        response_model: type[BaseModel] | None = None,
    ) -> int:
        """Count a quarter of the characters, which is what this model calls a token."""
        return _tokens(messages if isinstance(messages, str) else _text(messages))

    @contextmanager
    def _reported(self, messages: str | list[LLMMessage], tools: Any, caller: _Caller) -> Iterator[None]:
        """Emit that a call started and, if it does, that it failed."""
        with llm_call_context():
            self._emit_call_started_event(messages, tools=tools, **caller.named())
            try:
                yield
            except Exception as error:
                self._emit_call_failed_event(str(error), **caller.named())
                raise

    def _answer(
        self, messages: str | list[LLMMessage], tools: Any, caller: _Caller
    ) -> tuple[list[LLMMessage], str | ToolCalls]:
        formatted = self._format_messages(messages)
        self._invoke_before_llm_call_hooks(formatted, caller.agent)
        prompt = _prompt(formatted)
        if prompt.found is None and _offers_lookup(tools):
            return formatted, _lookup_call(topic_to_look_up(prompt))
        text = write(getattr(caller.task, "name", None) or "", prompt)
        return formatted, _COMMANDS.sub(lambda found: found[0].lower(), text)

    def _pieces(self, answer: str | ToolCalls) -> Iterator[tuple[float, str]]:
        return timed_pieces(answer, self.words_per_second) if isinstance(answer, str) else iter(())

    def _finish(
        self, messages: list[LLMMessage], answer: str | ToolCalls, caller: _Caller, response_model: Any
    ) -> str | Any:
        spoken = isinstance(answer, str)
        usage = _usage(_text(messages), answer if isinstance(answer, str) else json.dumps(answer))
        self._track_token_usage_internal(usage)
        self._emit_call_completed_event(
            response=answer,
            call_type=LLMCallType.LLM_CALL if spoken else LLMCallType.TOOL_CALL,
            messages=messages,
            usage=usage,
            finish_reason="stop" if spoken else "tool_calls",
            **caller.named(),
        )
        if not isinstance(answer, str):
            return answer
        final = self._invoke_after_llm_call_hooks(messages, answer, caller.agent)
        return self._validate_structured_output(final, response_model)


def _prompt(messages: Sequence[LLMMessage]) -> Prompt:
    """Read the task from the user's first message that has one, and the tool's answer if there is one."""
    tasks = [_text([message]) for message in messages if message["role"] == "user"]
    results = [_text([message]) for message in messages if message["role"] == "tool"]
    text = next((task for task in tasks if "<brief>" in task), tasks[0] if tasks else "")
    return replace(read(text), found=results[-1] if results else None)


def _offers_lookup(tools: Any) -> bool:
    return any(tool.get("function", {}).get("name") == _TOOL for tool in tools or [])


def _lookup_call(topic: str) -> ToolCalls:
    arguments = json.dumps({"topic": topic})
    return [{"id": f"call_{_TOOL}", "type": "function", "function": {"name": _TOOL, "arguments": arguments}}]


def _text(messages: Sequence[LLMMessage]) -> str:
    return "\n".join(str(message.get("content") or "") for message in messages)


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4


def _usage(prompt: str, answer: str) -> dict[str, int]:
    read_tokens, written = _tokens(prompt), _tokens(answer)
    return {"prompt_tokens": read_tokens, "completion_tokens": written, "total_tokens": read_tokens + written}
