"""A manifest that stays true while a worker lives."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from crewai import Crew
from crewai.flow.flow import Flow

from server.crews.loading import manifest
from server.crews.loading.building import Build
from server.crews.loading.finding import Found


def kept_true(found: Found, root: Path | None, parts: dict[str, str], told: Collection[str]) -> Build:
    """Build as `found` does, and bring `parts`, its manifest, up to date with what was built.

    Modules are imported once, but CrewAI reads a crew's JSON and YAML at every build, and a person may have edited
    them meanwhile. `told`: the names of those parts that are texts of agents and tasks.
    """
    names = set(told)

    def build() -> "Crew | Flow[Any]":
        read = manifest.hashes(found.data, root)
        made = found.build()
        if not read.items() <= parts.items():
            texts = manifest.texts(made)
            for name in names - texts.keys():
                del parts[name]
            parts.update(read | texts)
            names.clear()
            names.update(texts)
        return made

    return build
