"""What is said in a run: texts as they stream, outputs of tasks, calls of tools; and all of it as AG-UI's messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from protocol.events import TaskCompleted, ToolCompleted, ToolFailed, ToolStarted
from protocol.frames import Delta
from protocol.ids import ExecutionId
from protocol.objects import Execution
from server.routes.agui import events as ag
from server.routes.agui.request import text_of

Events = Iterator[ag.AgEvent]
Message = dict[str, Any]


class Conversation:
    """Says things, and remembers what was said."""

    def __init__(self, execution: ExecutionId, messages: Iterable[Message]) -> None:
        self._execution = execution
        self._messages: dict[str, Message] = {message["id"]: message for message in messages}
        self._texts: dict[str, str] = {}
        #: The latest stream of each task.
        self._last: dict[str | None, str] = {}

    def messages(self) -> list[Message]:
        """List all that was said, in order."""
        return list(self._messages.values())

    def delta(self, piece: Delta) -> Events:
        """Say a piece of a text."""
        if piece.stream not in self._texts:
            self._texts[piece.stream] = ""
            self._last[piece.task] = piece.stream
            yield ag.TextStart(message_id=piece.stream, role="assistant", name=piece.agent)
        self._texts[piece.stream] += piece.text
        if piece.text:
            yield ag.TextContent(message_id=piece.stream, delta=piece.text)

    def text_over(self, stream: str) -> Events:
        """End a text, if it is one that was begun."""
        text = self._texts.pop(stream, None)
        if text is not None:
            self._messages[stream] = assistant(stream, text)
            yield ag.TextEnd(message_id=stream)

    def said(self, done: TaskCompleted) -> Events:
        """Say a task's output, unless that was said already: as it streamed, or in the run that asked about it."""
        if (last := self._last.get(done.task)) is not None:
            yield from self.text_over(last)
        if done.output.strip() in {text_of(message).strip() for message in self._messages.values()}:
            return
        ident = f"{self._execution}/{done.index}"
        self._messages[ident] = assistant(ident, done.output)
        yield ag.TextStart(message_id=ident, role="assistant", name=done.agent)
        if done.output:
            yield ag.TextContent(message_id=ident, delta=done.output)
        yield ag.TextEnd(message_id=ident)

    def called(self, called: ToolStarted) -> Events:
        """Tell of a tool's call."""
        arguments = msgspec.json.encode(called.arguments).decode()
        call = {"id": called.call, "type": "function", "function": {"name": called.tool, "arguments": arguments}}
        self._messages[called.call] = {"id": called.call, "role": "assistant", "toolCalls": [call]}
        yield ag.ToolStart(tool_call_id=called.call, tool_call_name=called.tool)
        yield ag.ToolArguments(tool_call_id=called.call, delta=arguments)
        yield ag.ToolEnd(tool_call_id=called.call)

    def result(self, ended: ToolCompleted | ToolFailed) -> ag.AgEvent:
        """Tell what a tool gave."""
        ident = f"{ended.call}/result"
        self._messages[ident] = {"id": ident, "role": "tool", "toolCallId": ended.call, "content": ended.result}
        return ag.ToolResult(message_id=ident, tool_call_id=ended.call, content=ended.result, role="tool")

    def close(self) -> Events:
        """End every text."""
        for stream in list(self._texts):
            yield from self.text_over(stream)


def assistant(ident: str, text: str) -> Message:
    """Make a message of the crew's."""
    return {"id": ident, "role": "assistant", "content": text}


def history(asked: Sequence[Message], execution: Execution) -> list[Message]:
    """Give what was said: the client's own messages, or, where it knows of no answers, what the tasks have given."""
    kept = [message for message in asked if message.get("role") != "activity"]
    if any(message.get("role") == "assistant" for message in kept):
        return kept
    outputs = [
        assistant(f"{execution.id}/{task.index}", task.output) for task in execution.tasks if task.output is not None
    ]
    return [*kept, *outputs]
