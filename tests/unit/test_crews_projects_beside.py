"""Several projects in one process: none is given another's modules, or another's configuration."""

import sys
from pathlib import Path

import pytest

from server.crews import load
from tests.support.crews import CREWAI_WARNINGS
from tests.support.loaded import described, reason
from tests.support.openai_server import OpenAIServer
from tests.support.samples import sample

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


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


def test_a_projects_configuration_is_not_for_crews_from_elsewhere(project: Path) -> None:
    (project / "quarterdeck.toml").write_text("titlle = 'x'")
    crew = described(load({"content": "server.demo.crew:ContentPlan"}, project)["content"])
    assert (crew.broken, crew.title) == (None, "Campaign for several creators")
