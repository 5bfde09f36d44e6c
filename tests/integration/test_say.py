"""`say`: the next message of a conversation, as a command."""

from typing import Any

import pytest

from protocol.commands import Say, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ConversationId, ExecutionId
from protocol.objects import Crew, Execution
from protocol.replies import Started
from server.store.lists import Wanted
from tests.support.scripted import RARA, World

TALK = ConversationId("cv_1")


async def say(world: World, text: str, conversation: str = TALK, **fields: Any) -> Execution:
    """Say something, and read the execution that it started."""
    command = Say(conversation=ConversationId(conversation), text=text, **fields)
    started: Started = await world.dispatch.handle(command, RARA)
    view = await world.store.view(started.execution)
    assert view is not None
    return view[0]


async def refused(world: World, text: str, conversation: str = TALK, **fields: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await say(world, text, conversation, **fields)
    return caught.value


async def start(world: World, **fields: Any) -> ExecutionId:
    started: Started = await world.dispatch.handle(Start(crew="scripted", **fields), RARA)
    return started.execution


async def test_a_message_goes_on_with_what_the_last_execution_was_given(world: World) -> None:
    inputs = {"topic": "tea", "language": "Bahasa Indonesia"}
    await start(world, inputs=inputs, conversation=TALK, checkpoints=["after_planning"])
    second = await say(world, "And coffee?")
    assert (second.crew, second.conversation, second.title) == ("scripted", TALK, "And coffee?")
    assert second.inputs == {**inputs, "topic": "And coffee?"}
    assert second.checkpoints == ["after_planning"]
    assert world.asked.asked[-1] == (world.store.member(second.id), 1)
    third = await say(world, "And cocoa?")
    assert third.inputs == {**inputs, "topic": "And cocoa?"}
    listed = [item.execution.id async for item in world.store.executions(None, Wanted(conversation=TALK))]
    assert listed[:2] == [third.id, second.id]


async def test_an_execution_without_a_conversation_begins_one(world: World) -> None:
    alone = await start(world, inputs={"topic": "tea"})
    following = await say(world, "And coffee?", alone)
    assert following.conversation == ConversationId(alone)
    assert following.inputs == {"topic": "And coffee?"}


async def test_a_named_crew_begins_a_conversation(world: World) -> None:
    assert (await say(world, "Tea", "cv_new", crew="scripted")).inputs == {"topic": "Tea"}


async def test_the_same_key_says_it_once(world: World) -> None:
    await start(world, inputs={"topic": "tea"}, conversation=TALK)
    first, again = [await say(world, "And coffee?", key="k") for _ in range(2)]
    assert first.id == again.id
    assert len(world.asked.asked) == 2


async def test_what_cannot_be_answered_is_refused(world: World) -> None:
    assert (await refused(world, "Hello", "cv_none")).code is ErrorCode.NOT_FOUND
    assert (await refused(world, "Hello", crew="nobody")).code is ErrorCode.UNKNOWN_CREW
    assert (await refused(world, "Hello", crew="broken")).code is ErrorCode.CREW_BROKEN


@pytest.mark.parametrize(
    ("properties", "required", "missing"),
    [
        ({"topic": {"type": "string"}, "budget": {"type": "number"}}, ["topic", "budget"], ["budget"]),
        ({"who": {"type": "string"}, "whom": {"type": "string"}}, ["who", "whom"], ["who", "whom"]),
        ({"budget": {"type": "number"}}, [], ["budget"]),
    ],
)
async def test_other_inputs_that_are_needed_are_named(
    world: World, properties: dict[str, Any], required: list[str], missing: list[str]
) -> None:
    schema = {"type": "object", "properties": properties, "required": required}
    crew = Crew(name="scripted", title="", description="", kind="crew", inputs=schema, checkpoints=[], tasks=[])
    await world.workers.publish([crew])
    refusal = await refused(world, "Hello", crew="scripted")
    assert (refusal.code, refusal.detail["inputs"]) == (ErrorCode.MISSING_INPUTS, missing)
