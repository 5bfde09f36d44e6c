"""What makes two calls the same, and how what they gave is kept. No crew runs here."""

from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

import tests.support.crews  # noqa: F401  # isort: skip  # the first import of crewai, without its warnings
from server.crews.calls.codec import Encoded, Unwritable, decode, encode
from server.crews.calls.fingerprint import fingerprint, normalised, of_model_call


class Plan(BaseModel):
    title: str
    steps: list[str] = []


def call(ident: str, name: str = "send") -> dict[str, Any]:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": "{}"}}


def asked(*idents: str, **more: Any) -> list[dict[str, Any]]:
    calls = [{"role": "assistant", "tool_calls": [call(ident) for ident in idents], **more}]
    return [*calls, *({"role": "tool", "tool_call_id": ident, "content": "sent"} for ident in idents)]


def tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name}} for name in names]


MODEL = "gpt"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((MODEL, asked("a", "b"), None, None), (MODEL, asked("x", "y"), None, None), True),
        ((MODEL, asked("a", "b"), None, None), (MODEL, asked("x", "x"), None, None), False),
        ((MODEL, asked("a", raw_tool_call_parts=[object()]), None, None), (MODEL, asked("x"), None, None), True),
        ((MODEL, "text", tools("a", "b"), None), (MODEL, "text", tools("b", "a"), None), True),
        ((MODEL, "text", tools("a"), None), (MODEL, "text", tools("b"), None), False),
        ((MODEL, "text", None, Plan), (MODEL, "text", None, None), False),
        ((MODEL, "text", None, None), ("another", "text", None, None), False),
        ((MODEL, "text", None, None), (MODEL, "other", None, None), False),
    ],
)
def test_calls_are_the_same_when_they_ask_the_same(one: Any, other: Any, same: bool) -> None:
    assert (of_model_call(*one) == of_model_call(*other)) is same


def test_ids_are_numbered_in_order_for_models_and_plain_data_alike() -> None:
    made = ChatCompletionMessageFunctionToolCall.model_validate(call("a"))
    numbered = normalised([{"tool_calls": [made, call("b")]}, {"tool_call_id": "b"}])
    assert [item["id"] for item in numbered[0]["tool_calls"]] == ["call0", "call1"]
    assert numbered[1]["tool_call_id"] == "call1"


def test_nothing_that_is_new_on_every_attempt_makes_a_difference() -> None:
    class Thing:
        pass

    assert fingerprint(Thing()) == fingerprint(Thing())
    assert fingerprint({"b", "a", "c"}) == fingerprint({"c", "b", "a"})
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    assert fingerprint("\ud800") != fingerprint("\ud801")  # half a character, as broken JSON may hold it


MADE = ChatCompletionMessageFunctionToolCall.model_validate(call("a"))


@pytest.mark.parametrize(
    "value", ["text", None, 7, {"a": [1, 2]}, Plan(title="T"), [MADE, MADE], [Plan(title="T")], []]
)
def test_what_was_kept_comes_back_equal(value: Any) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(encode(value)), type=Encoded)
    assert decode(kept) == value


def test_a_class_that_cannot_be_found_again_is_given_by_whoever_asks() -> None:
    class Local(BaseModel):
        title: str

    assert decode(encode(Local(title="T")), Local) == Local(title="T")


@pytest.mark.parametrize("value", [object(), {"a": object()}, [Plan(title="T"), object()]])
def test_what_cannot_be_written_is_refused(value: Any) -> None:
    with pytest.raises(Unwritable):
        encode(value)
