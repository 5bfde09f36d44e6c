"""Projects and files that hold nothing to run, or say what is not so: each says why."""

from pathlib import Path

import pytest

from server.crews import load
from tests.support.crews import CREWAI_WARNINGS
from tests.support.loaded import load_from, reason
from tests.support.openai_server import OpenAIServer
from tests.support.samples import sample

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


def test_a_target_out_of_the_project_is_refused(project: Path) -> None:
    root = sample("classic_crew", project)
    sample("letters.yaml", project)
    (root / "quarterdeck.toml").write_text('target = "../letters.yaml"')
    assert "quarterdeck.toml: the target '../letters.yaml' is neither" in reason(load_from(root)["classic_crew"])


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


def test_an_approval_of_a_tool_that_is_misspelt_is_refused(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    (root / "quarterdeck.toml").write_text('approve = ["shoutt"]')
    assert "no agent has the tool 'shoutt'; did you mean 'shout'?" in reason(load_from(root)["postcards"])
