"""Paths that hold crews, and the names of these, without importing anything."""

from pathlib import Path

import pytest

from server.crews.loading.environment import read_environment
from server.projects import BadProject, checked, is_module, names_in, root_of
from tests.support.samples import sample


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("a:b", True), ("a.b_c:D.e", True), ("a", False), ("a:", False), (":b", False), ("./a:b", False),
        ("a/b", False), ("a b:c", False), ("1a:b", False), ("a.jsonc", False), ("a-b:c", False),
    ],
)  # fmt: skip
def test_a_module_is_told_from_a_path(target: str, module: bool) -> None:
    assert is_module(target) is module


@pytest.mark.parametrize(
    ("name", "called", "crews"),
    [
        ("json_crew", "", ["postcards"]), ("classic_crew", "", ["classic_crew"]), ("flow", "", ["greeting"]),
        ("declared_flow", "", ["declared_flow"]), ("letters.yaml", "", ["letters"]),
    ],
)  # fmt: skip
def test_a_project_names_its_crew(tmp_path: Path, name: str, called: str, crews: list[str]) -> None:
    assert names_in(checked(sample(name, tmp_path))) == crews


def test_a_file_belongs_to_the_project_above_it(tmp_path: Path) -> None:
    root = sample("declared_flow", tmp_path)
    flow = root / "src" / "declared_flow" / "flow.yaml"
    assert (root_of(flow), names_in(flow)) == (root, ["declared_flow"])
    lonely = sample("letters.yaml", tmp_path)
    assert (root_of(lonely), names_in(lonely)) == (tmp_path, ["letters"])


def test_a_projects_configuration_may_name_more(tmp_path: Path) -> None:
    (tmp_path / "quarterdeck.toml").write_text('[crews.b]\ntarget = "m:b"\n[crews.a]\ntarget = "m:a"\n[crews.c]\n')
    assert names_in(checked(tmp_path)) == ["b", "a"]


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    for path, said in [
        (tmp_path, "is no project: it has no pyproject.toml, quarterdeck.toml, crew.jsonc or crew.json."),
        (tmp_path / "notes.txt", "is no crew or flow: such a file ends in .json, .jsonc, .yaml, .yml."),
        (tmp_path / "nothing", "There is no folder or file"),
    ]:
        with pytest.raises(BadProject) as refused:
            checked(path)
        assert said in str(refused.value)


def test_the_variables_of_a_project_are_read_and_none_is_overridden(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nexport A=1\nB='two words'\nC=${A}3\nSET=other\nNOTHING\n")
    environ = {"SET": "here"}
    assert read_environment([tmp_path, tmp_path / "none"], environ) == {}
    assert environ == {"SET": "here", "A": "1", "B": "two words", "C": "13"}


def test_two_projects_that_disagree_are_not_served_by_one_process(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("first", "second", "third")]
    for root, key in zip(roots, ("sk-one", "sk-two", "sk-one"), strict=True):
        root.mkdir()
        (root / ".env").write_text(f"KEY={key}\nONLY_{root.name}=1\nGIVEN={root.name}")
    environ = {"GIVEN": "outside"}
    complaints = read_environment(roots, environ)
    assert list(complaints) == [roots[1]]
    assert "give KEY different values" in complaints[roots[1]]
    assert "sk-" not in complaints[roots[1]]
    assert environ == {"GIVEN": "outside", "KEY": "sk-one", "ONLY_first": "1", "ONLY_third": "1"}


def test_variables_that_cannot_be_read_are_told_of(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    assert "cannot be read: UnicodeDecodeError." in read_environment([tmp_path], {})[tmp_path]
