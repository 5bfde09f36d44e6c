"""Guardrails within executions: whatever they wait for, the event loop stays free."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from protocol.events import TaskCompleted
from server.runnable import CrewFailed, Suspended
from tests.support.crews import Crew, adapted, agent, task
from tests.support.journal import Execution, FakeJournal
from tests.support.marked_model import MarkedModel
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import wait_until

Guardrail = Callable[[Any], tuple[bool, Any]]
VALID = '{"valid": true, "feedback": null}'


def build(server: OpenAIServer, guardrail: Guardrail | str, **settings: Any) -> Callable[[], Crew]:
    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, guardrail=guardrail, **settings)])

    return made


async def test_the_loop_is_free_while_a_guardrail_asks_a_model(server: OpenAIServer) -> None:
    held = threading.Event()
    server.reply("Guardrail:", Reply(VALID, hold=held))
    journal = FakeJournal()
    running = asyncio.create_task(adapted(build(server, "It is polite.")).run(journal))
    await wait_until(lambda: len(server.prompts("Guardrail:")) == 1, description="the guardrail asks")
    await asyncio.sleep(0)  # the loop turns
    assert not running.done()
    held.set()
    assert (await running).output == "An answer."
    assert journal.events(TaskCompleted)[0].usage.calls == 2


async def test_a_guardrail_runs_in_a_thread_and_has_the_agent_try_again(server: OpenAIServer) -> None:
    server.reply("do it", "Short.", "Long enough.")
    threads: list[str] = []

    def guardrail(output: Any) -> tuple[bool, Any]:
        threads.append(threading.current_thread().name)
        return (len(output.raw) > 6, output.raw if len(output.raw) > 6 else "Longer!")

    outcome = await adapted(build(server, guardrail)).run(FakeJournal())
    assert outcome.output == "Long enough."
    assert threading.main_thread().name not in threads
    assert "Longer!" in server.prompts()[1]


async def test_a_guardrail_that_is_never_content_fails_the_task(server: OpenAIServer) -> None:
    with pytest.raises(CrewFailed, match="Never"):
        await adapted(build(server, lambda output: (False, "Never."), guardrail_max_retries=1)).run(FakeJournal())
    assert len(server.requests) == 2


async def test_an_agent_tries_again_in_its_turn() -> None:
    def crew(server: MarkedModel) -> Crew:
        writer = agent(server)
        guarded = [task(name, writer, guardrail=_second_is_good(), async_execution=True) for name in ("one", "two")]
        return Crew(agents=[writer], tasks=[*guarded, task("three", writer, context=list(guarded))])

    with MarkedModel() as server:
        outcome = await adapted(lambda: crew(server)).run(FakeJournal())
        assert [done.task for done in outcome.tasks] == ["one", "two", "three"]
        assert len(server.requests) == 5


def _second_is_good() -> Guardrail:
    seen: list[str] = []

    def guardrail(output: Any) -> tuple[bool, Any]:
        seen.append(output.raw)
        return (len(seen) > 1, output.raw if len(seen) > 1 else "Again.")

    return guardrail


async def test_a_crew_is_unwound_within_its_guardrail_and_goes_on_there(server: OpenAIServer) -> None:
    from server.crews.run import RUN

    left = [True]

    def guardrail(output: Any) -> tuple[bool, Any]:
        run = RUN.get()
        assert run is not None
        if left.pop() if left else False:
            run.suspended = True
            raise Suspended
        return (True, output.raw)

    execution, runnable = Execution(), adapted(build(server, guardrail))
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution))
    assert (await runnable.run(FakeJournal(of=execution))).output == "An answer."
    assert len(server.requests) == 1
