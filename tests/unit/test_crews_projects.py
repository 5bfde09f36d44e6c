"""Loading whole projects: those that `crewai create` makes, crews and flows in files, several in one process."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from protocol.objects import Crew as Description
from server.crews import load
from server.runnable import Runnable, Suspended
from server.settings import registrations
from tests.support.crews import CREWAI_WARNINGS
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import OpenAIServer
from tests.support.samples import replace, sample

from server.crews.loading.finding import find  # isort: skip
from server.crews.loading.homes import home_of  # isort: skip
from server.crews.loading.locating import place_of  # isort: skip

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """The model of crews whose files name one of OpenAI's."""
    with OpenAIServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        yield running


def described(found: Runnable | Description) -> Description:
    return found if isinstance(found, Description) else found.describe()


def runnable(crews: Mapping[str, Runnable | Description]) -> Runnable:
    """Give the only crew, which must have loaded."""
    (found,) = crews.values()
    assert not isinstance(found, Description), found.broken
    return found


def load_from(*paths: Path | str) -> dict[str, Runnable | Description]:
    """Load what `QUARTERDECK_CREWS` would name."""
    return load(registrations(",".join(map(str, paths))), Path("/nonexistent"))


def reason(found: Runnable | Description) -> str:
    return described(found).broken or ""


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


def test_a_target_out_of_the_project_is_refused(project: Path) -> None:
    root = sample("classic_crew", project)
    sample("letters.yaml", project)
    (root / "quarterdeck.toml").write_text('target = "../letters.yaml"')
    assert "quarterdeck.toml: the target '../letters.yaml' is neither" in reason(load_from(root)["classic_crew"])


def test_two_projects_with_modules_of_one_name_never_mix(project: Path) -> None:
    first, second = (sample("classic_crew", project, called=name) for name in ("first", "second"))
    crews = load({"one": str(first), "two": str(second)}, project)
    assert described(crews["one"]).broken is None
    assert f"'classic_crew' would come from {first}/src/classic_crew/__init__.py, not from {second}" in reason(
        crews["two"]
    )


def test_a_helper_of_another_project_is_never_imported(project: Path) -> None:
    code = "from crewai import Crew\nimport helpers\ndef made():\n    return helpers.crew()\n"
    for name in ("first", "second"):
        (project / name).mkdir()
        (project / name / f"{name}_crew.py").write_text(code)
        (project / name / "helpers.py").write_text(f"raise RuntimeError('the helpers of {name}')")
        (project / name / "quarterdeck.toml").write_text(f'target = "{name}_crew:made"')
    crews = load({name: str(project / name) for name in ("first", "second")}, project)
    assert "the helpers of first" in reason(crews["first"])
    assert "'helpers' would come from" in reason(crews["second"])
    assert "second_crew" not in sys.modules, "nothing of it was run"


@pytest.mark.parametrize("name", ["server", "json"])
def test_a_module_that_hides_behind_a_library_is_refused(project: Path, name: str) -> None:
    (project / f"{name}.py").write_text("raise RuntimeError")
    (project / "shop.py").write_text(f"import {name}\ndef made(): ...")
    assert f"Its module {name!r} would come from" in reason(load({"mine": "shop:made"}, project)["mine"])


def test_each_project_is_imported_once(project: Path, server: OpenAIServer) -> None:
    root = sample("classic_crew", project)
    source = root / "src" / "classic_crew" / "words.py"
    source.write_text("import sys\nsys.imports = getattr(sys, 'imports', 0) + 1\nGREETING = 'Hi'\n")
    load({"one": str(root), "two": "classic_crew.crew:ClassicCrew"}, root)
    load({"one": str(root)}, root)
    assert vars(sys).pop("imports") == 1


@pytest.mark.parametrize(
    ("pyproject", "said"),
    [
        ('[tool.crewai]\ntype = "tool"', "[tool.crewai] type is 'tool'; only 'crew' and 'flow' can be run."),
        ('[tool.crewai]\ntype = "crew"\ndefinition = "../x.jsonc"', "must resolve inside the project root"),
        ('[tool.crewai]\ntype = "crew"', "has no crew: no [tool.crewai] definition, no crew.jsonc"),
        ("[tool.crewai", "pyproject.toml cannot be read"),
        ("[tool.quarterdeck]\ntitlle = 'x'", "there is no key 'titlle'; did you mean 'title'?"),
        ("[tool]\nquarterdeck = 3", "[tool.quarterdeck] must be a table."),
    ],
)
def test_a_project_that_is_none_says_why(project: Path, pyproject: str, said: str) -> None:
    (project / "pyproject.toml").write_text(pyproject)
    assert said in reason(load({"mine": str(project)}, project)["mine"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "holds no table"),
        ("agents: [writer]\ntasks: [{}]", "in YAML, the agents stand in the crew's file"),
        ("title: x", "is neither a crew, with agents and tasks, nor a flow, with methods."),
        ("a: [", "cannot be read"),
        ("agents: {}\ntasks: []\ninputs: [1]", "'inputs' must be a table"),
        ("agents: {a: {role: r, goal: g, backstory: b}}\ntasks: []", "cannot be built"),
    ],
)
def test_a_file_that_holds_no_crew_says_why(project: Path, text: str, said: str) -> None:
    file = project / "some.yaml"
    file.write_text(text)
    assert said in reason(load_from(file)["some"])


def test_two_classes_are_one_too_many(project: Path) -> None:
    root = sample("classic_crew", project)
    code = root / "src" / "classic_crew" / "crew.py"
    code.write_text(code.read_text() + "\n\n@CrewBase\nclass Other:\n    pass\n")
    assert 'target = "classic_crew.crew:ClassicCrew" in [tool.quarterdeck]' in reason(load_from(root)["classic_crew"])


def test_a_misspelt_crew_is_not_left_without_its_configuration(project: Path) -> None:
    root = sample("classic_crew", project)
    (root / "quarterdeck.toml").write_text('[crews.clasic_crew]\napprove = ["pay"]')
    assert "there is no crew 'clasic_crew'; did you mean 'classic_crew'?" in reason(load_from(root)["classic_crew"])


def test_the_operators_file_counts_most(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    (root / "quarterdeck.toml").write_text('title = "From beside it"\ndescription = "From beside it."')
    config = project / "operator.toml"
    config.write_text('[crews.postcards]\ntitle = "From the operator"')
    crew = described(load({"postcards": str(root)}, project, config)["postcards"])
    assert (crew.title, crew.description) == ("From the operator", "From beside it.")
    assert [checkpoint.name for checkpoint in crew.checkpoints] == ["plan"]


def test_a_projects_configuration_is_not_for_crews_from_elsewhere(project: Path) -> None:
    (project / "quarterdeck.toml").write_text("titlle = 'x'")
    crew = described(load({"content": "server.demo.crew:ContentPlan"}, project)["content"])
    assert (crew.broken, crew.title) == (None, "Campaign for several creators")


def test_the_version_is_of_the_code_and_the_texts(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    versions = [described(load_from(root)["postcards"]).version]
    replace(root / "pyproject.toml", 'title = "Postcards"', 'title = "Cards"')
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "tools" / "shout.py", "upper", "lower")
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "agents" / "writer.jsonc", "You travel a lot.", "You stay at home.")
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "pyproject.toml", '"shout"', '"whisper"')
    versions.append(described(load_from(root)["postcards"]).version)
    assert versions[0] == versions[1], "a title is no part of what runs"
    assert len(set(versions)) == 4
    assert None not in versions


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


def test_an_approval_of_a_tool_that_is_misspelt_is_refused(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    (root / "quarterdeck.toml").write_text('approve = ["shoutt"]')
    assert "no agent has the tool 'shoutt'; did you mean 'shout'?" in reason(load_from(root)["postcards"])


@pytest.mark.parametrize("again", [True, False], ids=["a worker that starts", "a worker that lives"])
async def test_a_crew_that_was_edited_asks_before_it_goes_on(project: Path, server: OpenAIServer, again: bool) -> None:
    root = sample("json_crew", project)
    found = runnable(load_from(root))
    execution, inputs = Execution(), {"friend": "Ada"}
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    replace(root / "crew.jsonc", "Write it", "Write it soon")
    replace(root / "tools" / "shout.py", "upper", "lower")
    found = runnable(load_from(root)) if again else found
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    (asked,) = [question for question in execution.open if question.name == "new-version"]
    assert asked.draft.text == "crew.jsonc changed; tools/shout.py changed; task 'writing' changed"
    execution.decide("new-version", "retry")
    execution.decide("plan", "approve")
    outcome = await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution))
    assert [done.task for done in outcome.tasks] == ["planning", "writing"]
    assert len(server.prompts("Write it soon to Ada.")) == 1


async def test_an_edited_crew_is_the_version_of_what_begins_then(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    found = runnable(load_from(root))
    replace(root / "crew.jsonc", '"name": "writing"', '"name": "posting"')
    execution, inputs = Execution(), {"friend": "Ada"}
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    again = runnable(load_from(root))
    execution.decide("plan", "approve")
    outcome = await again.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution))
    assert [done.task for done in outcome.tasks] == ["planning", "posting"]
