"""Where files of executions are: each in its own folder, and none outside."""

import os
from pathlib import Path

import pytest

from server.files import Escape, Files, content_type

X = "x_01"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "data")


@pytest.mark.parametrize("name", ["plan.md", "reports/deep/plan.md", "./plan.md", "sehari-hari ü.md"])
def test_a_file_is_found_by_the_name_that_writing_gave(files: Files, name: str) -> None:
    given = files.write(X, name, "Teh manis ☕")
    path = files.find(X, given)
    assert path is not None
    assert path.read_text(encoding="utf-8") == "Teh manis ☕"
    assert path.is_relative_to(files.root / X)


@pytest.mark.parametrize(
    "name", ["", ".", "/etc/passwd", "..", "../x_02/plan.md", "a/../../b", "a\\b", "a\0b", "x" * 1001]
)
def test_a_name_that_leads_out_is_refused(files: Files, name: str) -> None:
    files.write("x_02", "plan.md", "of another")
    files.write(X, "plan.md", "own")
    with pytest.raises(Escape):
        files.write(X, name, "text")
    assert files.find(X, name) is None


@pytest.mark.parametrize("ident", ["", "..", "a/b", ".", "x" * 101])
def test_an_execution_is_named_by_its_id(files: Files, ident: str) -> None:
    with pytest.raises(Escape):
        files.write(ident, "plan.md", "text")
    assert files.find(ident, "plan.md") is None


def test_links_lead_nowhere(files: Files, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    folder = files.root / X
    folder.mkdir(parents=True)
    (folder / "link.txt").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    assert [files.find(X, name) for name in ("link.txt", "out/secret.txt", "loop")] == [None] * 3
    with pytest.raises(Escape):
        files.write(X, "out/secret.txt", "mine")
    files.write(X, "link.txt", "mine")  # takes the link's place
    assert secret.read_text() == "secret"


def test_only_files_are_found(files: Files) -> None:
    files.write(X, "reports/plan.md", "text")
    assert files.find(X, "reports") is None
    assert files.find(X, "reports/other.md") is None
    assert files.find("x_99", "plan.md") is None


def test_the_newest_content_counts_and_nothing_else_is_left(files: Files) -> None:
    files.write(X, "plan.md", "a longer first text")
    files.write(X, "plan.md", "second")
    assert [path.name for path in (files.root / X).iterdir()] == ["plan.md"]
    assert (files.root / X / "plan.md").read_text() == "second"


def test_what_nobody_touched_is_listed_and_dropped(files: Files) -> None:
    for number in range(3):
        files.write(f"x_{number}", "plan.md", "text")
    for name in ("x_0", "x_1"):
        os.utime(files.root / name, (0, 0))
    (files.root / ".hidden").mkdir()
    os.utime(files.root / ".hidden", (0, 0))
    assert sorted(files.untouched(3600, 10)) == ["x_0", "x_1"]
    assert len(files.untouched(3600, 1)) == 1
    files.drop("x_0")
    assert sorted(path.name for path in files.root.iterdir()) == [".hidden", "x_1", "x_2"]


def test_without_a_data_folder_there_is_nothing(files: Files) -> None:
    assert files.untouched(0, 10) == []
    files.drop(X)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.md", "text/markdown"), ("a.JSON", "application/json"), ("a.csv", "text/csv"),
        ("a", "application/octet-stream"),
    ],
)  # fmt: skip
def test_types_go_by_names(name: str, kind: str) -> None:
    assert content_type(name) == kind
