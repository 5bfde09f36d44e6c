"""Approvals of tools over AG-UI: each an interrupt that names the call, and every run as the protocol wants it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.acceptance.test_agui import Thread, entry, kinds
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.stack import Stack, installed

TEA = {"what": "tea", "to": "Rara"}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        running.reply("do quote for", '{"price": 12, "currency": "EUR"}')
        yield running


@pytest.fixture(scope="module")
async def parcels(server: OpenAIServer) -> AsyncIterator[Stack]:
    with installed(server.url, settings={"QUARTERDECK_CREWS": "courier=courier:crew"}) as stack:
        await stack.mend()
        yield stack


@pytest.fixture
def thread(parcels: Stack, server: OpenAIServer, topic: str) -> Thread:
    """A thread whose crew calls the tool, and then hands in a quote."""
    server.reply(f"do send for {topic}", Reply(calls=[Call("deliver", TEA)]), "It is sent.")
    return Thread(parcels, topic, "courier", ())


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


async def asked(thread: Thread) -> tuple[dict[str, Any], str]:
    """Run up to the approval; give the interrupt and the call's id."""
    events = await thread.run()
    (started,) = of(events, "TOOL_CALL_START")
    (interrupt,) = thread.interrupts
    assert (interrupt["reason"], interrupt["toolCallId"]) == ("tool_call", started["toolCallId"])
    assert of(events, "TOOL_CALL_ARGS")[0]["delta"] == '{"what":"tea","to":"Rara"}'
    schema = interrupt["responseSchema"]
    assert schema["required"] == ["approved"]
    assert set(schema["properties"]["editedArgs"]["properties"]) == {"what", "to"}
    return interrupt, started["toolCallId"]


async def test_an_approved_call_gives_its_result_in_the_next_run_and_is_not_told_again(thread: Thread) -> None:
    _, call = await asked(thread)
    events = await thread.answer({"approved": True})
    assert of(events, "TOOL_CALL_START") == []
    (result,) = of(events, "TOOL_CALL_RESULT")
    assert (result["toolCallId"], result["content"]) == (call, "delivered tea to Rara")
    assert events[-1]["outcome"]["interrupts"][0]["metadata"]["quarterdeck"]["name"] == "after_quote"


async def test_a_call_is_made_with_the_arguments_that_a_person_gives(thread: Thread) -> None:
    _, call = await asked(thread)
    events = await thread.answer({"approved": True, "editedArgs": {"what": "tea", "to": "Dimas"}})
    assert of(events, "TOOL_CALL_RESULT")[0]["content"] == "delivered tea to Dimas"
    (message,) = [message for message in thread.messages if message["id"] == call]
    assert message["toolCalls"][0]["function"]["arguments"] == '{"what":"tea","to":"Dimas"}'


@pytest.mark.parametrize("payload", [{"approved": False}, {"approved": False, "feedback": "Rara has tea."}])
async def test_a_no_refuses_the_call_and_the_agent_goes_on(
    thread: Thread, server: OpenAIServer, payload: dict[str, Any]
) -> None:
    _, call = await asked(thread)
    events = await thread.answer(payload)
    (result,) = of(events, "TOOL_CALL_RESULT")
    assert result["toolCallId"] == call
    assert payload.get("feedback", "(no reason given)") in result["content"]
    assert events[-1]["outcome"]["type"] == "interrupt", "the next question of the crew"
    assert any(result["content"] in prompt for prompt in server.prompts(f"do send for {thread.topic}"))


async def test_who_forgot_everything_is_offered_the_call_again_and_may_answer(thread: Thread) -> None:
    interrupt, call = await asked(thread)
    thread.messages = []
    events = await thread.run()
    assert kinds(events) == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    assert thread.interrupts == [interrupt]
    assert [message["id"] for message in thread.messages] == [call]
    thread.messages = []
    events = await thread.answer({"approved": True})
    assert of(events, "TOOL_CALL_RESULT")[0]["toolCallId"] == call


async def test_a_cancel_and_a_contradiction_leave_the_call_unmade(thread: Thread) -> None:
    interrupt, _ = await asked(thread)
    events = await thread.answer(None, status="cancelled")
    assert events[-1]["outcome"] == {"type": "cancelled"}
    answer = await thread.post(resume=[entry(interrupt, {"approved": False, "action": "approve"})])
    assert (answer.status, answer.json["code"]) == (422, "bad_field")
    await thread.run()
    assert thread.interrupts == [interrupt]
