"""Guardrails and callbacks around what people say: called once, and on what counts in the end."""

from pathlib import Path
from typing import Any

import pytest

from protocol.events import JournalMissed, TaskCompleted, TaskSkipped
from tests.support.crews import Crew, TaskOutput, adapted, agent, ask_human, keep_in, task
from tests.support.human_input import Verdict, build, run, through
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


def _fits(output: TaskOutput) -> tuple[bool, Any]:
    SEEN.append(f"checked {output.raw}")
    return ("ok" in output.raw or "mine" in output.raw, output.raw)


def _note(output: TaskOutput) -> None:
    SEEN.append(f"noted {output.raw}")


async def _note_slowly(output: TaskOutput) -> None:
    _note(output)


def _note_step(answer: Any) -> None:
    SEEN.append(str(answer.output))


async def _note_step_slowly(answer: Any) -> None:
    _note_step(answer)


async def test_a_skipped_answer_is_nowhere(server: OpenAIServer, tmp_path: Path) -> None:
    keep_in(tmp_path)
    server.reply("do it", '{"word": "good", "score": 3}')
    made = build(server, output_pydantic=Verdict, output_file="plan.md", callback=_note, guardrail=_fits)
    journal = await run(made, {"input:it": ["skip"]})
    assert [event.task for event in journal.events(TaskSkipped)] == ["it"]
    assert "good" not in server.prompts("do next")[0]
    assert (SEEN, len(server.requests)) == ([], 2)
    assert not (tmp_path / "files").exists()


async def test_a_guardrails_second_draft_is_held_again(server: OpenAIServer) -> None:
    server.reply("do it", "no", "ok")
    journal = await through(build(server, guardrail=_fits), ("input:it", "approve"), ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "ok"
    assert len(server.prompts("do it")) == 2


async def test_a_persons_word_is_final(server: OpenAIServer) -> None:
    server.reply("do it", "ok")
    await through(
        build(server, guardrail=_fits, callback=_note), ("input:it", "approve"), ("after:it", ("edit", "anything")),
        checkpoints=("after:it",),
    )  # fmt: skip
    assert set(SEEN) == {"checked ok", "noted anything"}
    assert SEEN.count("noted anything") == 1


@pytest.mark.parametrize("callback", [_note, _note_slowly])
async def test_callbacks_are_called_once_whatever_comes_after(server: OpenAIServer, callback: Any) -> None:
    def made() -> Crew:
        writer = agent(server)
        tasks = [task("it", writer, callback=callback), task("next", writer)]
        return Crew(agents=[writer], tasks=tasks, task_callback=lambda output: SEEN.append(f"crew {output.raw}"))

    server.reply("do it", "One.", "Two.")
    await through(
        made, ("after:it", ("revise", "More")), ("after:it", "approve"), ("before:next", "approve"),
        ("after:next", "approve"), checkpoints=("after:it", "before:next", "after:next"),
    )  # fmt: skip
    assert SEEN == ["noted Two.", "crew Two.", "crew An answer."]


async def test_a_callback_of_both_task_and_crew_is_called_once(server: OpenAIServer) -> None:
    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, callback=_note)], task_callback=_note)

    await run(made, {"after:it": ["approve"]})
    assert SEEN == ["noted An answer."]


async def test_a_callback_may_ask_a_person(server: OpenAIServer) -> None:
    def confirm(output: TaskOutput) -> None:
        SEEN.append(ask_human.run(question=f"Send {output.raw}?"))

    journal = await through(
        build(server, callback=confirm), ("input:it", "approve"), ("ask_human", ("respond", "Yes."))
    )
    assert SEEN == ["Yes."]
    assert journal.events(JournalMissed) == []


@pytest.mark.parametrize("owner", ["agent", "crew"])
@pytest.mark.parametrize("callback", [_note_step, _note_step_slowly])
async def test_step_callbacks_are_called_once_for_each_step(server: OpenAIServer, owner: str, callback: Any) -> None:
    def made() -> Crew:
        writer = agent(server, tools=[ask_human], **({"step_callback": callback} if owner == "agent" else {}))
        settings = {"step_callback": callback} if owner == "crew" else {}
        return Crew(agents=[writer], tasks=[task("it", writer, human_input=True)], **settings)

    server.reply("do it", Reply(calls=[Call("ask_human", {"question": "Which?"})]), "One.", "Two.")
    await through(
        made, ("ask_human", ("respond", "This.")), ("input:it", ("revise", "More")), ("input:it", "approve")
    )  # fmt: skip
    assert SEEN == ["One.", "Two."]


class Died(BaseException):
    """The worker dies in the middle of a callback."""


async def test_a_callback_that_a_worker_died_in_is_not_called_again(server: OpenAIServer) -> None:
    def die(output: TaskOutput) -> None:
        SEEN.append("begun")
        raise Died

    execution = Execution()
    runnable = adapted(build(server, callback=die))
    with pytest.raises(Died):
        await runnable.run(FakeJournal(of=execution, answers={"input:it": ["approve"]}))
    journal = FakeJournal(of=execution)
    await runnable.run(journal)
    assert SEEN == ["begun"]
    assert [event.step for event in journal.events(JournalMissed)] == ["t0/callback"]
    assert [event.task for event in journal.events(TaskCompleted)] == ["it", "next"]
