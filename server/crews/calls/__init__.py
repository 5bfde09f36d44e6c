"""Calls to models and tools: each is made once, whatever becomes of the worker; a later attempt gets its answer again.

`models`, `structured`, `tools` and `lookups` wrap crewai's classes. Outside an execution of ours, every wrap only
passes on.
"""

from server.crews.calls import clock, lookups, models, structured, tools


def install() -> None:
    """Wrap every class of models and tools, those that are made later, too. Harmless when repeated."""
    models.install()
    structured.install()
    tools.install()
    lookups.install()
    clock.install()
