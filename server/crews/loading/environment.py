"""The variables in the `.env` of projects, as `crewai run` reads them; what is set already stays as it is."""

from collections.abc import Iterable, MutableMapping
from pathlib import Path

from dotenv.main import DotEnv

FILE = ".env"


def read_environment(roots: Iterable[Path], environ: MutableMapping[str, str]) -> dict[Path, str]:
    """Set the variables of each project; give the projects whose crews cannot run, with the reason.

    All crews of a process share its variables, so two projects that set one to different values cannot be in the
    same process: one would use the other's key, and its account. No value is ever told.
    """
    complaints: dict[Path, str] = {}
    owners: dict[str, Path] = {}
    for root in roots:
        try:
            values = _values(root / FILE)
        except (OSError, ValueError) as error:
            complaints[root] = f"{root / FILE} cannot be read: {type(error).__name__}."
            continue
        if taken := [name for name in values if name in owners and environ[name] != values[name]]:
            complaints[root] = _taken(root, taken[0], owners[taken[0]])
            continue
        fresh = {name: value for name, value in values.items() if name not in environ}
        environ.update(fresh)
        owners |= dict.fromkeys(fresh, root)
    return complaints


def _values(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    read = DotEnv(file, encoding="utf-8", interpolate=True, override=False).dict()
    return {name: value for name, value in read.items() if value is not None and "\0" not in value}


def _taken(root: Path, name: str, other: Path) -> str:
    return (
        f"{root / FILE} and {other / FILE} give {name} different values, and a process has one. "
        "Serve the projects by processes of their own, or set it outside for both."
    )
