"""What an author marks with `human_input` is held for a person, in every kind of crew, beside gates or without."""

import pytest

from protocol.events import TaskCompleted, TaskStarted
from server.runnable import Stopped, Suspended
from tests.support.crews import Crew, Process, adapted, agent, model, task
from tests.support.human_input import build, run, through
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import Call, OpenAIServer, Reply


async def test_an_agents_answer_is_held_where_the_author_wants_it(server: OpenAIServer) -> None:
    server.reply("do it", "The plan.")
    journal = await run(build(server), {"input:it": ["approve"]})
    (question,) = journal.asked
    assert (question.kind, question.name, question.task, question.agent) == ("task.input", "input:it", "it", "Writer")
    assert (question.draft.text, question.draft.content_type, question.schema) == ("The plan.", "text/markdown", None)
    assert [action.id for action in question.actions] == ["approve", "edit", "revise", "skip", "stop"]
    assert question.step == "t0/1/input.0"
    assert [done.edited for done in journal.events(TaskCompleted)] == [False, False]
    assert "The plan." in server.prompts("do next")[0]


async def test_a_revision_goes_on_in_the_agents_own_conversation(server: OpenAIServer) -> None:
    server.reply("do it", "Plan one.", "Plan two.", "Plan three.")
    journal = await run(build(server), {"input:it": [("revise", "Shorter"), ("revise", "Shorter yet"), "approve"]})
    assert [(question.version, question.draft.text) for question in journal.asked] == [
        (1, "Plan one."), (2, "Plan two."), (3, "Plan three."),
    ]  # fmt: skip
    third = [message["content"] for message in server.requests[2].body["messages"]]
    places = [
        next(at for at, text in enumerate(third) if word in text)
        for word in ("Plan one.", "Shorter", "Plan two.", "Shorter yet")
    ]
    assert places == sorted(places)
    assert [(event.task, event.round) for event in journal.events(TaskStarted)] == [
        ("it", 1), ("it", 2), ("it", 3), ("next", 1),
    ]  # fmt: skip
    assert "Plan three." in server.prompts("do next")[0]


async def test_an_edit_is_what_everything_after_it_reads(server: OpenAIServer) -> None:
    journal = await run(build(server), {"input:it": [("edit", "Mine.")]})
    done = journal.events(TaskCompleted)[0]
    assert (done.output, done.edited) == ("Mine.", True)
    assert "Mine." in server.prompts("do next")[0]


async def test_a_stop_ends_the_execution(server: OpenAIServer) -> None:
    with pytest.raises(Stopped) as stopped:
        await run(build(server), {"input:it": ["stop"]})
    assert stopped.value.task == "it"
    assert server.prompts("do next") == []


async def test_many_rounds_wait_without_their_crew(server: OpenAIServer) -> None:
    server.reply("do it", *[f"Plan {number}." for number in range(6)])
    rounds: list[tuple[str, Say]] = [("input:it", ("revise", f"Better than {number}")) for number in range(5)]
    journal = await through(build(server), *rounds, ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "Plan 5."
    assert len(server.prompts("do it")) == 6
    assert journal.events(TaskCompleted)[0].usage.calls == 6


async def test_human_input_and_a_gate_at_one_task_are_both_asked(server: OpenAIServer) -> None:
    server.reply("do it", "Plan one.", "Plan two.", "Plan three.")
    journal = await through(
        build(server),
        ("input:it", ("revise", "Shorter")),
        ("input:it", ("edit", "Plan mine.")),
        ("after:it", ("revise", "Longer")),
        ("after:it", "approve"),
        checkpoints=("after:it",),
    )
    done = journal.events(TaskCompleted)[0]
    assert (done.output, done.edited) == ("Plan three.", False)
    assert "Your previous answer:\nPlan mine.\n\nA person asks you to revise it:\nLonger" in server.prompts()[2]


async def test_rounds_are_counted_over_both_places(server: OpenAIServer) -> None:
    answers: dict[str, list[Say]] = {
        "input:it": [("revise", "Shorter"), "approve"], "after:it": [("revise", "Longer"), "approve"],
    }  # fmt: skip
    journal = await run(build(server), answers)
    assert [event.round for event in journal.events(TaskStarted) if event.task == "it"] == [1, 2, 3]
    assert [question.name for question in journal.asked] == ["input:it"] * 2 + ["after:it"] * 2


async def test_an_edit_of_an_answer_is_remembered_at_the_gate(server: OpenAIServer) -> None:
    journal = await through(
        build(server), ("input:it", ("edit", "Mine.")), ("after:it", "approve"), checkpoints=("after:it",)
    )
    assert journal.events(TaskCompleted)[0].edited


async def test_a_managers_answer_is_held_and_not_that_of_its_workers(server: OpenAIServer) -> None:
    def made() -> Crew:
        tasks = [task("it", None, human_input=True)]
        return Crew(agents=[agent(server)], tasks=tasks, process=Process.hierarchical, manager_llm=model(server))

    brief = {"task": "paint", "context": "a house", "coworker": "Writer"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", brief)]), "Done.", "Done better.")
    server.reply("paint", "Painted.")
    server.reply("Painted.", "Done.", "Done better.")
    journal = await through(made, ("input:it", ("revise", "More")), ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "Done better."
    assert len(server.prompts("paint")) == 1


async def test_tasks_side_by_side_are_held_side_by_side(server: OpenAIServer) -> None:
    def made() -> Crew:
        pair = [agent(server, "Left"), agent(server, "Right")]
        sides = [task(who.role.lower(), who, human_input=True, async_execution=True) for who in pair]
        return Crew(agents=pair, tasks=[*sides, task("join", pair[0], context=list(sides))])

    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(made).run(FakeJournal(of=execution, parked=True))
    assert {question.name for question in execution.open} == {"input:left", "input:right"}
    execution.decide("input:left", ("edit", "Left mine."))
    execution.decide("input:right", ("edit", "Right mine."))
    await adapted(made).run(FakeJournal(of=execution))
    assert "Left mine." in server.prompts("do join")[0]
    assert "Right mine." in server.prompts("do join")[0]
