"""A language model that calls the tools which a prompt names, on every path, and never answers the same text twice.

A task described as `do it [[send to=Rara]] [[look at=tea]]` makes it call both tools: in one answer where it is
offered tools, one after the other where it is asked in text (ReAct). Double parentheses become brackets in what it
passes on, so that a delegated task can name tools, too. Every answer has a number of its own: a call that is made once
more is seen.
"""

import itertools
import json
import re
from typing import Any

from tests.support.openai_server import Call, OpenAIServer, Reply

MARK = re.compile(r"\[\[(\w+) ?(.*?)\]\]")


class MarkedModel(OpenAIServer):
    """The server; see `OpenAIServer`."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    def choose(self, body: dict[str, Any], prompt: str) -> Reply | None:
        """Answer as the prompt's marks say."""
        messages = body["messages"]
        asked = next((str(message["content"]) for message in messages if message["role"] == "user"), prompt)
        calls = [Call(name, arguments(text)) for name, text in MARK.findall(asked)]
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in body.get("tools") or []}
        if isinstance(forced := body.get("tool_choice"), dict):
            name = forced["function"]["name"]
            return Reply(calls=[Call(name, self._filled(offered[name]))])
        if (form := body.get("response_format")) and form["type"] == "json_schema":
            return Reply(json.dumps(self._filled(form["json_schema"]["schema"])))
        if offered and calls and not any(message["role"] == "tool" for message in messages):
            return Reply(calls=[call for call in calls if call.tool in offered])
        if not offered and "Action Input:" in prompt:
            return self._in_text(messages, calls)
        return Reply(self._text())

    def _in_text(self, messages: list[dict[str, Any]], calls: list[Call]) -> Reply:
        done = sum(str(m["content"]).count("Observation:") for m in messages if m["role"] == "assistant")
        if done >= len(calls):
            return Reply(f"Thought: done\nFinal Answer: {self._text()}")
        call = calls[done]
        return Reply(f"Thought: {self._text()}\nAction: {call.tool}\nAction Input: {json.dumps(call.arguments)}\n")

    def _text(self) -> str:
        return f"Answer {next(self._numbers)}."

    def _filled(self, schema: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"array": [], "boolean": True, "integer": 1, "object": {}}
        return {name: made.get(field.get("type"), self._text()) for name, field in schema["properties"].items()}


def arguments(text: str) -> dict[str, str]:
    """Read `a=1;b=2`."""
    unfolded = text.replace("((", "[[").replace("))", "]]")
    return dict(part.split("=", 1) for part in unfolded.split(";") if "=" in part)
