"""What is said in a run: texts as they stream, outputs of tasks, calls of tools; and all of it as AG-UI's messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from protocol.events import TaskCompleted, ToolCompleted, ToolFailed
from protocol.frames import Delta
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, Execution
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
        #: How many pieces of each stream were said; none where one was missed, for what is left is no text.
        self._pieces: dict[str, int | None] = {}
        #: The latest stream of each task.
        self._last: dict[str | None, str] = {}

    def messages(self) -> list[Message]:
        """List all that was said, in order."""
        return list(self._messages.values())

    def delta(self, piece: Delta) -> Events:
        """Say a piece of a text. Where one was missed, it is left: the whole is said when it is there."""
        said = self._pieces.setdefault(piece.stream, 0)
        if said is None or piece.index > said:
            self._pieces[piece.stream] = None
            yield from self._leave(piece.stream)
            return
        if piece.index < said:
            return
        self._pieces[piece.stream] = said + 1
        if piece.stream not in self._texts:
            self._texts[piece.stream] = ""
            self._last[piece.task] = piece.stream
            yield ag.TextStart(message_id=self._ident(piece.stream), role="assistant", name=piece.agent)
        self._texts[piece.stream] += piece.text
        if piece.text:
            yield ag.TextContent(message_id=self._ident(piece.stream), delta=piece.text)

    def _ident(self, name: str) -> str:
        """Name a call or a text so that no other execution of the thread has it."""
        return f"{self._execution}/{name}"

    def _leave(self, stream: str) -> Events:
        if self._texts.pop(stream, None) is not None:
            yield ag.TextEnd(message_id=self._ident(stream))

    def text_over(self, stream: str) -> Events:
        """End a text, if it is one that was begun."""
        text = self._texts.pop(stream, None)
        if text is not None:
            ident = self._ident(stream)
            self._messages[ident] = assistant(ident, text)
            yield ag.TextEnd(message_id=ident)

    def said(self, done: TaskCompleted) -> Events:
        """Say a task's output, unless that was said already: as it streamed, or in the run that asked about it."""
        if (last := self._last.get(done.task)) is not None:
            yield from self.text_over(last)
        yield from self._say(f"{self._execution}/{done.index}", done.output, done.agent)

    def drafted(self, asked: Checkpoint) -> Events:
        """Say the draft that people are asked about, unless it was said as it streamed."""
        if (last := self._last.get(asked.task)) is not None:
            yield from self.text_over(last)
        yield from self._say(f"{asked.id}/{asked.version}", asked.draft.text, asked.agent)

    def _say(self, ident: str, text: str, agent: str | None) -> Events:
        if not text.strip() or text.strip() in {text_of(message).strip() for message in self._messages.values()}:
            return
        self._messages[ident] = assistant(ident, text)
        yield ag.TextStart(message_id=ident, role="assistant", name=agent)
        yield ag.TextContent(message_id=ident, delta=text)
        yield ag.TextEnd(message_id=ident)

    def called(self, call: str, tool: str, arguments: dict[str, Any]) -> Events:
        """Tell of a tool's call, once; when it was told of before, its arguments are what a person made of them."""
        ident, known = self._ident(call), self._ident(call) in self._messages
        written = msgspec.json.encode(arguments).decode()
        function = {"name": tool, "arguments": written}
        self._messages[ident] = {
            "id": ident, "role": "assistant", "toolCalls": [{"id": ident, "type": "function", "function": function}],
        }  # fmt: skip
        if not known:
            yield ag.ToolStart(tool_call_id=ident, tool_call_name=tool)
            yield ag.ToolArguments(tool_call_id=ident, delta=written)
            yield ag.ToolEnd(tool_call_id=ident)

    def result(self, ended: ToolCompleted | ToolFailed) -> ag.AgEvent:
        """Tell what a tool gave."""
        call = self._ident(ended.call)
        ident = f"{call}/result"
        self._messages[ident] = {"id": ident, "role": "tool", "toolCallId": call, "content": ended.result}
        return ag.ToolResult(message_id=ident, tool_call_id=call, content=ended.result, role="tool")

    def has_open_calls(self) -> bool:
        """Tell whether a tool was called that has given nothing yet: its result is about to come."""
        calls = {call["id"] for message in self._messages.values() for call in message.get("toolCalls") or ()}
        return bool(calls - {message.get("toolCallId") for message in self._messages.values()})

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
