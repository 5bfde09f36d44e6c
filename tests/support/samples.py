"""Small projects as `crewai create` lays them out, copied to where a test may change them."""

import shutil
from pathlib import Path

SAMPLES = Path(__file__).parent / "projects"


def sample(name: str, folder: Path, *, called: str = "") -> Path:
    """Copy a project, or a file, into a folder, and give its path."""
    source, target = SAMPLES / name, folder / (called or name)
    if source.is_file():
        return Path(shutil.copyfile(source, target))
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".quarterdeck")))


def replace(file: Path, old: str, new: str) -> None:
    """Change a text in a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
