"""Loading whole projects: those that `crewai create` makes, crews and flows in files, and how they are described."""

from pathlib import Path

import pytest

from server.crews import load
from tests.support.crews import CREWAI_WARNINGS
from tests.support.journal import FakeJournal
from tests.support.loaded import described, load_from, reason, runnable
from tests.support.openai_server import OpenAIServer
from tests.support.samples import replace, sample

from server.crews.loading.finding import find  # isort: skip
from server.crews.loading.homes import home_of  # isort: skip
from server.crews.loading.locating import place_of  # isort: skip

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


def test_a_json_project_is_described_as_its_files_say(project: Path, server: OpenAIServer) -> None:
    found = runnable(load_from(sample("json_crew", project)))
    crew = found.describe()
    assert (crew.name, crew.title, crew.kind) == ("postcards", "Postcards", "crew")
    assert [(task.name, task.agent) for task in crew.tasks] == [
        ("planning", "Writer of postcards"),
        ("writing", "Writer of postcards"),
    ]
    assert crew.inputs["required"] == ["friend"]
    assert crew.inputs["properties"]["place"] == {"type": "string", "title": "Place", "default": "Lisbon"}
    assert crew.inputs["properties"]["stamps"] == {"type": "integer", "title": "Stamps", "default": 2}
    (checkpoint,) = crew.checkpoints
    assert (checkpoint.name, checkpoint.deadline, checkpoint.on_deadline) == ("plan", 3600, "stop")


async def test_inputs_that_nobody_gave_have_their_defaults(project: Path, server: OpenAIServer) -> None:
    found = runnable(load_from(sample("json_crew", project)))
    await found.run(FakeJournal(inputs={"friend": "Ada"}))
    await found.run(FakeJournal(inputs={"friend": "Ada", "place": "Oslo"}))
    assert len(server.prompts("Plan a postcard from Lisbon.")) == 1
    assert len(server.prompts("Plan a postcard from Oslo.")) == 1


@pytest.mark.parametrize(
    ("name", "inputs", "tasks"),
    [
        ("json_crew", {"friend": "Ada"}, ["planning", "writing"]),
        ("json_crew/crew.jsonc", {"friend": "Ada"}, ["planning", "writing"]),
        ("letters.yaml", {}, ["writing"]),
        ("classic_crew", {"topic": "tea"}, ["research_task"]),
    ],
)
async def test_every_layout_of_a_crew_runs(
    project: Path, server: OpenAIServer, name: str, inputs: dict[str, str], tasks: list[str]
) -> None:
    top, _, rest = name.partition("/")
    path = sample(top, project) / rest
    outcome = await runnable(load_from(path)).run(FakeJournal(inputs=inputs))
    assert [done.task for done in outcome.tasks] == tasks


@pytest.mark.parametrize(
    ("name", "steps", "title"),
    [("flow", ["choose", "greet"], ""), ("declared_flow", ["begin"], "Declared")],
)
def test_every_layout_of_a_flow_is_built_afresh(project: Path, name: str, steps: list[str], title: str) -> None:
    path = str(sample(name, project))
    found = find(place_of(path, home_of(path, project)))
    flows = [found.build() for _ in range(2)]
    assert flows[0] is not flows[1]
    assert [list(flow._definition.methods) for flow in flows] == [steps, steps]  # type: ignore[union-attr]
    assert found.title == title


def test_a_flow_object_is_built_anew(project: Path) -> None:
    (project / "flows.py").write_text(
        "from crewai.flow import Flow, start\n"
        "class Once(Flow):\n"
        "    @start()\n"
        "    def begin(self):\n"
        "        return 1\n"
        "once = Once(max_method_calls=7, initial_state={'seen': []})\n"
        f"declared = Flow.from_declaration(path={str(sample('declared_flow', project))!r} "
        "+ '/src/declared_flow/flow.yaml')\n"
    )
    for attr in ("once", "declared"):
        build = find(place_of(f"flows:{attr}", project)).build
        first, second = build(), build()
        assert first is not second
        assert list(first._definition.methods) == list(second._definition.methods)  # type: ignore[union-attr]
    one, two = (find(place_of("flows:once", project)).build() for _ in range(2))
    assert one.max_method_calls == 7  # type: ignore[union-attr]
    one.state["seen"].append("this")  # type: ignore[union-attr]
    assert two.state["seen"] == []  # type: ignore[union-attr]


def test_a_project_may_name_several_crews(project: Path, server: OpenAIServer) -> None:
    root = sample("classic_crew", project)
    sample("letters.yaml", root)
    with (root / "pyproject.toml").open("a") as file:
        file.write(
            "\n[tool.quarterdeck]\nconcurrency = 3\n"
            '[tool.quarterdeck.crews.research]\ntarget = "classic_crew.crew:ClassicCrew"\ntitle = "Research"\n'
            '[tool.quarterdeck.crews.letters]\ntarget = "letters.yaml"\n'
        )
    crews = {name: described(found) for name, found in load_from(root).items()}
    assert {name: (crew.title, crew.broken) for name, crew in crews.items()} == {
        "research": ("Research", None),
        "letters": ("letters", None),
    }


def test_the_operators_file_counts_most(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    (root / "quarterdeck.toml").write_text('title = "From beside it"\ndescription = "From beside it."')
    config = project / "operator.toml"
    config.write_text('[crews.postcards]\ntitle = "From the operator"')
    crew = described(load({"postcards": str(root)}, project, config)["postcards"])
    assert (crew.title, crew.description) == ("From the operator", "From beside it.")
    assert [checkpoint.name for checkpoint in crew.checkpoints] == ["plan"]


def test_a_flow_is_described_with_its_methods_and_its_registration(project: Path) -> None:
    root = sample("flow", project)
    (root / "quarterdeck.toml").write_text('title = "Greeting"\nidempotent = ["look_up"]')
    loaded = load_from(root)["greeting"]
    description = described(loaded)
    assert (description.kind, description.title, description.description) == ("flow", "Greeting", "Greet somebody.")
    assert description.tasks
    assert description.version


def test_a_flow_has_checkpoints_at_its_methods(project: Path) -> None:
    root = sample("flow", project)
    checkpoint = 'name = "ok"\ntask = "greet"\nplace = "after"\nrequired = true'
    (root / "quarterdeck.toml").write_text(f"[[checkpoints]]\n{checkpoint}")
    (offered,) = described(load_from(root)["greeting"]).checkpoints
    assert (offered.name, offered.task, offered.required) == ("ok", "greet", True)
    replace(root / "quarterdeck.toml", "greet", "great")
    assert "there is no task 'great'; did you mean 'greet'?" in reason(load_from(root)["greeting"])
