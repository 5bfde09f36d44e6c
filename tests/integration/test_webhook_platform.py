"""The webhooks of CrewAI's platform: a kickoff's addresses are called in its words."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from protocol.events import TaskCompleted, TaskStarted, ToolCompleted, ToolStarted
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, State, TaskOutput, Usage
from server.runnable import Journal, Outcome
from server.store.outbox import AT_ONCE
from tests.support.hooks import Hooks
from tests.support.receiver import Receiver
from tests.support.scripted import World, question
from tests.support.site import RestSite, running_rest

META = {"requestId": "travel-req-123"}


async def research(journal: Journal) -> Outcome:
    """One task with a tool call and a question."""
    journal.emit(TaskStarted(task="plan", index=0, round=1))
    journal.emit(ToolStarted(call="c0", tool="search", arguments={"q": "other"}))
    journal.emit(ToolStarted(call="c1", tool="search", arguments={"q": "tides"}))
    for number in range(2 * AT_ONCE):  # what others do meanwhile
        journal.emit(ToolStarted(call=f"d{number}", tool="search", arguments={}))
    journal.emit(ToolCompleted(call="c1", tool="search", result="twice a day", seconds=0.1))
    await journal.ask(question())
    done = TaskCompleted(
        task="plan", index=0, agent="Planner", output="Two tides.", usage=Usage(), seconds=0, edited=False
    )
    await journal.record("t0/output", b"Two tides.", event=done)
    return Outcome(output="Two tides.", output_json={"tides": 2}, tasks=(TaskOutput(task="plan", output="Two tides."),))


class Client(NamedTuple):
    """A client of the platform."""

    site: RestSite
    hooks: Hooks
    receiver: Receiver

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        answer = await self.site.client.post(f"http://127.0.0.1:{self.site.port}{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def kickoff(self, **fields: Any) -> Checkpoint:
        """Start, and wait until a person is asked."""
        body = {"inputs": {"topic": "tea"}, "meta": META, **fields}
        execution = ExecutionId((await self.post("/kickoff", body))["kickoff_id"])
        world = self.site.world
        await world.running[0].advance(world.store.member(execution))
        return await world.opened(execution)

    async def resume(self, draft: Checkpoint, **fields: Any) -> None:
        """Approve, and wait for the end."""
        body = {"execution_id": draft.execution, "task_id": "plan", "human_feedback": "", "is_approve": True, **fields}
        await self.post("/resume", body)
        self.site.world.running[0].notice_all()
        await self.site.world.state(draft.execution, State.COMPLETED)


@pytest.fixture
async def client(world: World, receiver: Receiver) -> AsyncIterator[Client]:
    world.crew.script = research
    hooks = Hooks(world)
    async with running_rest(world) as site, world.worker(), hooks.delivering():
        yield Client(site, hooks, receiver)


async def test_a_kickoffs_webhooks_are_told_in_the_platforms_words(client: Client, receiver: Receiver) -> None:
    draft = await client.kickoff(
        taskWebhookUrl=receiver.url("/task"),
        stepWebhookUrl=receiver.url("/step"),
        crewWebhookUrl=receiver.url("/crew"),
        humanInputWebhook={
            "url": receiver.url("/human"),
            "authentication": {"strategy": "bearer", "token": "your-webhook-secret-token"},
        },
    )
    await client.hooks.reached(draft.execution, "delivered", "delivered")
    (question_asked,), (step,) = receiver.at("/human"), receiver.at("/step")
    assert question_asked.headers["authorization"] == "Bearer your-webhook-secret-token"
    assert question_asked.json == {
        "execution_id": draft.execution, "task_id": "plan", "task_output": draft.draft.text,
        "kickoff_id": draft.execution, "meta": META,
    }  # fmt: skip
    assert step.json == {
        "prompt": "", "thought": "", "tool": "search", "tool_input": {"q": "tides"}, "result": "twice a day",
        "kickoff_id": draft.execution, "meta": META,
    }  # fmt: skip
    await client.resume(draft, taskWebhookUrl=receiver.url("/task"))  # as the platform wants it; it is known already
    await client.hooks.reached(draft.execution, *["delivered"] * 4)
    (task,), (crew,) = receiver.at("/task"), receiver.at("/crew")
    assert task.json == {
        "description": "", "name": "plan", "expected_output": "", "summary": "Two tides....", "agent": "Planner",
        "output": "Two tides.", "output_json": None, "kickoff_id": draft.execution, "meta": META,
    }  # fmt: skip
    assert (crew.json["result"], crew.json["result_json"], crew.json["meta"]) == ("Two tides.", {"tides": 2}, META)
    assert set(crew.json["token_usage"]) == {"total_tokens", "prompt_tokens", "completion_tokens"}


async def test_basic_authentication(client: Client, receiver: Receiver) -> None:
    proof = {"strategy": "basic", "username": "your-username", "password": "your-pässword"}
    draft = await client.kickoff(humanInputWebhook={"url": receiver.url(), "authentication": proof})
    await client.hooks.reached(draft.execution, "delivered")
    (call,) = receiver.calls
    assert call.headers["authorization"] == "Basic eW91ci11c2VybmFtZTp5b3VyLXDDpHNzd29yZA=="
    await client.resume(draft)


async def test_a_resume_may_bring_webhooks_that_the_kickoff_had_not(client: Client, receiver: Receiver) -> None:
    draft = await client.kickoff()
    await client.resume(draft, crewWebhookUrl=receiver.url())
    (told,) = await client.hooks.reached(draft.execution, "delivered")
    assert (told.event, told.format) == ("execution.completed", "crewai.crew")


async def test_meta_is_kept_with_each_webhook_and_so_may_not_be_large(client: Client) -> None:
    body = {"inputs": {"topic": "tea"}, "crewWebhookUrl": "https://hooks.example/", "meta": {"note": "x" * 16_384}}
    refused = await client.post("/kickoff", body, 400)
    assert "meta" in refused["message"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("taskWebhookUrl", "https://10.0.0.1/", "taskWebhookUrl"),
        ("crewWebhookUrl", "nonsense", "crewWebhookUrl"),
        ("humanInputWebhook", {"url": "ftp://hooks.example/"}, "humanInputWebhook"),
        ("humanInputWebhook", "https://hooks.example/", "humanInputWebhook"),
        ("humanInputWebhook", {"url": "https://h.example/", "authentication": {"strategy": "digest"}}, "digest"),
        (
            "humanInputWebhook",
            {"url": "https://h.example/", "authentication": {"strategy": "bearer", "token": "a\r\nx: y"}},
            "token",
        ),
        (
            "humanInputWebhook",
            {"url": "https://h.example/", "authentication": {"strategy": "bearer", "token": "a\n"}},
            "token",
        ),
        ("webhooks", {"url": "https://hooks.example/", "events": ["llm_call_started"]}, "webhooks"),
        ("restoreFromStateId", "s1", "restoreFromStateId"),
    ],
)
async def test_what_is_not_kept_is_refused(client: Client, field: str, value: Any, said: str) -> None:
    refused = await client.post("/kickoff", {"inputs": {"topic": "tea"}, field: value}, 400)
    assert said in refused["message"]
