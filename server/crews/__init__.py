"""CrewAI crews as the engine sees them: loaded, described, run under a journal, held at checkpoints.

Importing this package does not import crewai; `load` and `prepare_process` do. Call `silence` before anything that may.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from protocol.objects import Crew
from server.crews.loading.environment import read_environment
from server.crews.loading.homes import homes_of
from server.crews.silence import silence
from server.prices import Prices
from server.runnable import Runnable
from server.settings import Settings


def load(registrations: Mapping[str, str], project: Path, config: Path | None = None) -> dict[str, Runnable | Crew]:
    """Load every registered crew: name to `module:attr`, or to the path of a project or of a file with a definition.

    Modules are found on `sys.path` or in the folder `project`; `config` is the operator's TOML file about crews. A crew
    that does not load is given as its description, with `broken` telling why.
    """
    silence()
    homes = homes_of(registrations, project)
    complaints = read_environment(dict.fromkeys(home for home in homes.values() if home), os.environ)
    from server.crews.loading.loader import Loader

    return Loader(registrations, homes, complaints, config).load_all()


def prepare_process(threads: int, data: Path = Settings.data, prices: Prices | None = None) -> None:
    """Make this process fit to run crews. Call it on the running loop.

    `threads`: for model and tool calls at once. `data`: the folder below which tasks write their files. `prices`: of
    calls to models.
    """
    silence()
    from server.crews import files, process
    from server.crews.calls import costs

    process.prepare(threads)
    files.keep_in(data)
    costs.price_by(prices or Prices())


__all__ = ["load", "prepare_process", "silence"]
