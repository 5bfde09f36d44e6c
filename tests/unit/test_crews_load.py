"""Loading crews: everything that can be registered, and everything that can be wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.objects import Crew as Description
from server.crews import load
from server.runnable import CrewFailed, Runnable
from tests.support.crews import CREWAI_WARNINGS, Crew, Task, adapted, agent, copied, task
from tests.support.journal import FakeJournal
from tests.support.loaded import described
from tests.support.openai_server import OpenAIServer

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]

HEAD = """
from crewai import LLM, Agent, Crew, Task
from crewai.project import CrewBase, agent, crew, task

def made():
    \"\"\"Plan a campaign.

    At length.
    \"\"\"
    llm = LLM(model="openai/gpt-4o-mini", base_url="{url}", api_key="sk-test-0123456789")
    writer = Agent(role="Writer of {{brand}}", goal="g", backstory="b", llm=llm)
    plan = "Plan {{topic}}: {{{{}}}} {{'a': 1}}"
    tasks = [Task(name="planning", description=plan, expected_output="x", agent=writer),
             Task(description="Write about the {{topic}}.", expected_output="x", agent=writer)]
    return Crew(agents=[writer], tasks=tasks)
"""

BASE = """
@CrewBase
class ContentPlan:
    \"\"\"Content for a week.\"\"\"
    agents_config = {}
    tasks_config = {}
    @agent
    def writer(self):
        return made().agents[0]
    @task
    def drafting(self):
        return Task(description="Draft", expected_output="x", agent=self.writer())
    @crew
    def crew(self):
        return Crew(agents=self.agents, tasks=self.tasks)
"""

PLAIN = """
class Plain:
    def crew(self):
        return made()
"""


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def loaded(project: Path, server: OpenAIServer, code: str, attr: str) -> Runnable | Description:
    """Load one attribute of a module with this code."""
    (project / "shop.py").write_text(HEAD.format(url=server.url) + code)
    return load({"mine": f"shop:{attr}"}, project)["mine"]


@pytest.mark.parametrize(
    ("code", "attr", "tasks"),
    [
        ("", "made", ["planning", "write_about_the_topic"]),
        ("one = made()", "one", ["planning", "write_about_the_topic"]),
        (BASE, "ContentPlan", ["drafting"]),
        (PLAIN, "Plain", ["planning", "write_about_the_topic"]),
        (PLAIN, "Plain().crew", None),
        ("class Box:\n    made = staticmethod(made)", "Box.made", ["planning", "write_about_the_topic"]),
    ],
)
async def test_whatever_gives_a_crew_can_be_run(
    project: Path, server: OpenAIServer, code: str, attr: str, tasks: list[str] | None
) -> None:
    found = loaded(project, server, code, attr)
    if tasks is None:
        assert described(found).broken is not None
        return
    assert not isinstance(found, Description)
    assert [plan.name for plan in found.describe().tasks] == tasks
    for _ in range(2):
        journal = FakeJournal(inputs={"topic": "tea", "brand": "us"})
        outcome = await found.run(journal)
        assert [done.task for done in outcome.tasks] == tasks


def test_a_crew_is_described(project: Path, server: OpenAIServer) -> None:
    found = described(loaded(project, server, "", "made"))
    assert (found.name, found.title, found.description) == ("mine", "Mine", "Plan a campaign.")
    assert (found.kind, found.broken, found.demo, found.checkpoints) == ("crew", None, False, [])
    assert found.inputs == {
        "type": "object",
        "properties": {
            "topic": {"type": "string", "title": "Topic"},
            "brand": {"type": "string", "title": "Brand"},
        },
        "required": ["topic", "brand"],
    }
    assert [(plan.name, plan.agent, plan.title) for plan in found.tasks] == [
        ("planning", "Writer of {brand}", "Planning"),
        ("write_about_the_topic", "Writer of {brand}", "Write about the topic"),
    ]


def test_the_crews_module_may_present_it(project: Path, server: OpenAIServer) -> None:
    constant = """
QUARTERDECK = {"title": "Shop", "description": "Sells.",
    "checkpoints": [{"name": "agree", "title": "Agree", "task": "planning", "place": "after", "required": True}]}
"""
    found = described(loaded(project, server, constant, "made"))
    assert (found.title, found.description) == ("Shop", "Sells.")
    (checkpoint,) = found.checkpoints
    assert (checkpoint.name, checkpoint.task, checkpoint.place, checkpoint.required) == (
        "agree",
        "planning",
        "after",
        True,
    )


def test_models_that_are_none_make_a_demo(project: Path, server: OpenAIServer) -> None:
    code = """
from crewai.llms.base_llm import BaseLLM
class Parrot(BaseLLM):
    demo_model = True
    def call(self, messages, *args, **kwargs):
        return "Squawk."
def demo():
    crew = made()
    crew.agents[0].llm = Parrot(model="parrot")
    return crew
"""
    code = code.replace("demo_model = True", "demo_model: __import__('typing').ClassVar[bool] = True")
    assert described(loaded(project, server, code, "demo")).demo


@pytest.mark.parametrize(
    ("code", "target", "reason"),
    [
        ("", "shop", "'shop' is not of the form 'module:attr', nor the path of a project."),
        ("", "shpo:made", "shpo does not import: ModuleNotFoundError: No module named 'shpo'"),
        ("import nothing_like_it", "shop:made", "shop does not import: ModuleNotFoundError"),
        ("raise RuntimeError('no\\nkey')", "shop:made", "shop does not import: RuntimeError: no key"),
        ("raise SystemExit(3)", "shop:made", "shop does not import: SystemExit: 3"),
        ("def (", "shop:made", "shop does not import: SyntaxError"),
        ("", "shop:maed", "shop has no 'maed'; did you mean 'made'?"),
        ("x = 3", "shop:x", "It is of type int; expected a Crew"),
        ("def x(): return 3", "shop:x", "It gives an object of type int, and not a Crew or a Flow."),
        ("async def x(): return made()", "shop:x", "It is a coroutine function"),
        ("def x(): raise OSError('no sk-abcdefghijkl')", "shop:x", "shop:x cannot be built: OSError: no ***"),
        ("def x(config): return made()", "shop:x", "shop:x cannot be built: TypeError: x() missing 1 required"),
        ("QUARTERDECK = []", "shop:made", "QUARTERDECK must be a table of keys and values, not []."),
        ("QUARTERDECK = {'titel': 'x'}", "shop:made", "there is no key 'titel'; did you mean 'title'?"),
        ("QUARTERDECK = {'title': 3}", "shop:made", "'title' must be a text, not 3."),
        ("QUARTERDECK = {'checkpoints': [{'name': 'a'}]}", "shop:made", "checkpoint 1 lacks 'task', 'place'."),
        (
            "QUARTERDECK = {'checkpoints': [{'name': 'a', 'task': 'planing', 'place': 'after'}]}",
            "shop:made",
            "there is no task 'planing'; did you mean 'planning'?",
        ),
        (
            "QUARTERDECK = {'checkpoints': [{'name': 'a', 'task': 'planning', 'place': 'behind'}]}",
            "shop:made",
            "'place' must be one of 'before', 'after', not 'behind'.",
        ),
        (
            "QUARTERDECK = {'checkpoints': [{'name': 'after:planning', 'task': 'planning', 'place': 'after'}]}",
            "shop:made",
            "a name may not begin with",
        ),
        (
            "QUARTERDECK = {'checkpoints': [{'name': 'a', 'task': 'planning', 'place': 'after'}] * 2}",
            "shop:made",
            "two checkpoints are called 'a'.",
        ),
    ],
)
def test_a_broken_crew_says_why_in_one_line(
    project: Path, server: OpenAIServer, code: str, target: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "shop.py").write_text(HEAD.format(url=server.url) + code)
    found = load({"mine": target}, project)["mine"]
    assert isinstance(found, Description)
    assert reason in (found.broken or "")
    assert "\n" not in (found.broken or "")
    assert (found.name, found.tasks) == ("mine", [])


def test_one_broken_crew_leaves_the_others(project: Path, server: OpenAIServer) -> None:
    (project / "shop.py").write_text(HEAD.format(url=server.url))
    found = load({"bad": "shop:none", "good": "shop:made"}, project)
    assert [described(crew).broken is None for crew in found.values()] == [False, True]


async def test_missing_inputs_are_refused_by_name(project: Path, server: OpenAIServer) -> None:
    found = loaded(project, server, "", "made")
    assert not isinstance(found, Description)
    with pytest.raises(CrewFailed, match="needs topic, brand") as failed:
        await found.run(FakeJournal())
    assert failed.value.code == "missing_inputs"
    assert server.requests == []


async def test_a_crew_may_supply_its_own_inputs(server: OpenAIServer) -> None:
    def today(inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "date": "today"}

    def build() -> Crew:
        writer = agent(server)
        asks = task("it", writer, description="do {what} {date}")
        return Crew(agents=[writer], tasks=[asks], before_kickoff_callbacks=[today])

    runnable = adapted(build)
    assert runnable.describe().inputs["required"] == ["what"]
    await runnable.run(FakeJournal(inputs={"what": "tea"}))
    assert len(server.prompts("do tea today")) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "a\\b", "a\0b"])
async def test_an_input_cannot_lead_an_output_file_elsewhere(server: OpenAIServer, name: str) -> None:
    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, output_file="out/{name}.md")])

    with pytest.raises(CrewFailed, match="name is part of a file name") as failed:
        await adapted(build).run(FakeJournal(inputs={"name": name}))
    assert failed.value.code == "bad_input"


async def test_a_crew_object_is_copied_with_its_links(server: OpenAIServer) -> None:
    twins = [agent(server, "Twin", backstory=story) for story in ("First.", "Second.")]
    outside = agent(server, "Outsider")
    heard: list[str] = []
    first = Task(description="do it", expected_output="x", agent=twins[0], callback=lambda out: heard.append(out.raw))
    second = Task(description="do it", expected_output="x", agent=twins[1], async_execution=True, context=[])
    third = Task(name="last", description="do last", expected_output="x", agent=outside, context=[first])
    original = Crew(agents=twins, tasks=[first, second, third])
    server.script(lambda prompt: "from one" if "First." in prompt else "from two" if "Second." in prompt else None)
    runnable = adapted(lambda: original)
    copy = copied(original)
    assert all(new is not old for new, old in zip(copy.tasks, original.tasks, strict=True))
    assert all(new is not old for new, old in zip(copy.agents, original.agents, strict=True))
    assert copy.tasks[2].context == [copy.tasks[0]]
    assert (copy.tasks[1].agent, copy.tasks[1].async_execution) == (copy.agents[1], True)
    outcome = await adapted(lambda: copied(original)).run(FakeJournal())
    assert [(done.task, done.output) for done in outcome.tasks] == [
        ("do_it", "from one"),
        ("do_it_2", "from two"),
        ("last", "An answer."),
    ]
    assert "from one" in server.prompts("do last")[0]
    assert "from two" not in server.prompts("do last")[0]
    assert heard == ["from one"]
    assert original.tasks[0].output is None
    assert [plan.name for plan in runnable.describe().tasks] == ["do_it", "do_it_2", "last"]
