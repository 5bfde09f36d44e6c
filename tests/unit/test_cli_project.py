"""Going to a project that is to be served, and into its environment."""

import os
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.cli import Unavailable
from server.cli.project import advice, enter, other_python
from server.settings import BadSetting, Settings
from tests.support.samples import sample


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory and an environment that are as before in the end."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


def test_a_projects_own_folder_is_worked_in(shell: Path) -> None:
    root = sample("json_crew", shell)
    (shell / "operator.toml").write_text("")
    os.environ["QUARTERDECK_CONFIG"] = "operator.toml"
    enter("json_crew", ["serve", "json_crew"])
    settings = Settings.read()
    assert (Path.cwd(), settings.project) == (root, root)
    assert (settings.crews, settings.config) == ({"postcards": str(root)}, shell / "operator.toml")
    assert settings.data.absolute() == root / ".quarterdeck"


def test_a_data_folder_that_was_named_stays_where_it_was_meant(shell: Path) -> None:
    sample("json_crew", shell)
    os.environ["QUARTERDECK_DATA"] = "mine"
    enter("json_crew/crew.jsonc", [])
    assert Settings.read().data == shell / "mine"


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing", "There is no folder or file"), ("a,b", "has a comma or an equals sign in it")],
)
def test_a_path_that_cannot_be_served_is_refused(shell: Path, name: str, said: str) -> None:
    (shell / "a,b").mkdir()
    (shell / "a,b" / "quarterdeck.toml").write_text("")
    with pytest.raises(BadSetting, match=said):
        enter(name, [])


def test_an_environment_is_entered_once(shell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert other_python(shell) is None
    venv.create(shell / ".venv", symlinks=True)
    python = shell / ".venv" / "bin" / "python"
    assert other_python(shell) == python
    monkeypatch.setattr(sys, "prefix", str(shell / ".venv"))
    assert other_python(shell) is None
    monkeypatch.undo()
    monkeypatch.setenv("QUARTERDECK_ENVIRONMENT", str(shell / ".venv"))
    assert other_python(shell) is None


def test_an_environment_without_quarterdeck_is_told_of_in_one_line(shell: Path) -> None:
    root = sample("json_crew", shell)
    venv.create(root / ".venv", symlinks=True)
    python = root / ".venv" / "bin" / "python"
    with pytest.raises(Unavailable) as refused:
        enter("json_crew", [])
    assert str(refused.value) == f"{root / '.venv'} has no quarterdeck. Install it there: {advice(python)}"
    assert advice(python).startswith(f"uv pip install --python {python} ")
    (python.parent / "pip").touch()
    assert advice(python).startswith(f"{python} -m pip install ")
