"""What is said about a crew, gathered from where it may be said.

The places, and which counts more when two say the same key: the constant `QUARTERDECK` of the crew's module, the
project's `pyproject.toml`, its `quarterdeck.toml`, the operator's file `QUARTERDECK_CONFIG`. In a file, what stands
under `crews.NAME` counts more than what stands at the top, for all crews of the project.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from protocol.objects import CrewCheckpoint
from server.crews.loading import kinds
from server.crews.loading.faults import BadConfiguration
from server.crews.loading.kinds import checked, known
from server.crews.registration import Registration, spelled
from server.crews.suggestion import listed
from server.projects import Table

CONSTANT = "QUARTERDECK"
#: Every task has these two places without a registration; a registered name may not look like one.
PLACES = ("before:", "after:")
#: So much alike are a name and its misspelling.
ALIKE = 0.75


def said_about(name: str, files: Iterable[Table], crews: Collection[str]) -> list[Table]:
    """Find what files say about one crew, what counts less first. `crews` are all that are registered.

    Raises `BadConfiguration` for a key that does not exist, and for a crew that is misspelt: what is said about it,
    which tools need approval perhaps, would be said to nobody.
    """
    found: list[Table] = []
    for file in files:
        top = checked(file.content, kinds.FILE, file.where)
        named: Mapping[str, Any] = top.pop("crews", {})
        _no_misspelt(named, crews, file.where)
        found.append(Table(file.where, top))
        if name in named:
            where = f"{file.where}, crews.{name}"
            found.append(Table(where, checked(named[name], kinds.NAMED, where)))
    return found


def constant(value: Any) -> Table:
    """Read the constant of a crew's module, or raise `BadConfiguration`."""
    return Table(CONSTANT, checked(value, kinds.CREW, CONSTANT))


def _no_misspelt(named: Iterable[str], crews: Collection[str], where: str) -> None:
    silent = [crew for crew in crews if crew not in named]
    for name in named:
        if name not in crews and (meant := get_close_matches(name, silent, 1, ALIKE)):
            raise BadConfiguration(f"{where}: there is no crew {name!r}; did you mean {meant[0]!r}?")


def target_in(said: Sequence[Table]) -> Table | None:
    """Find the table that says where the crew is, if one does."""
    return next((table for table in reversed(said) if "target" in table.content), None)


def registration_of(said: Iterable[Table], tasks: Sequence[str], tools: Collection[str] = ()) -> Registration:
    """Make the registration of what is said, or raise `BadConfiguration`.

    `tasks`: the names of the crew's; `tools`: those of its agents' tools, as far as they are known before it runs.
    """
    values: dict[str, Any] = {}
    for table in said:
        fresh = {key: value for key, value in table.content.items() if key not in ("target", "webhooks")}
        if "checkpoints" in fresh:
            fresh["checkpoints"] = _checkpoints(fresh["checkpoints"], tasks, table.where)
        for key in ("idempotent", "approve"):
            if key in fresh:
                fresh[key] = tuple(fresh[key])
        _no_misspelt_tool(fresh.get("approve", ()), tools, table.where)
        values |= fresh
    return Registration(**values)


def _no_misspelt_tool(patterns: Sequence[str], tools: Collection[str], where: str) -> None:
    """Refuse the name of a tool that is nearly another's, which would then be run without approval.

    A name like no other may be that of a tool which the crew gets only when it runs.
    """
    for pattern in patterns:
        if any(Registration(approve=(pattern,)).needs_approval(tool) for tool in tools):
            continue
        if meant := get_close_matches(spelled(pattern), [spelled(tool) for tool in tools], 1, ALIKE):
            raise BadConfiguration(f"{where}: no agent has the tool {pattern!r}; did you mean {meant[0]!r}?")


def _checkpoints(items: Sequence[Any], tasks: Sequence[str], where: str) -> tuple[CrewCheckpoint, ...]:
    found = tuple(_checkpoint(item, tasks, f"{where} checkpoint {number}") for number, item in enumerate(items, 1))
    names = [checkpoint.name for checkpoint in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadConfiguration(f"{where}: two checkpoints are called {twice[0]!r}.")
    return found


def _checkpoint(item: Any, tasks: Sequence[str], where: str) -> CrewCheckpoint:
    fields = checked(item, kinds.CHECKPOINT, where)
    if lacking := [key for key in ("name", "task", "place") if key not in fields]:
        raise BadConfiguration(f"{where} lacks {listed(lacking)}.")
    if fields["name"].startswith(PLACES):
        raise BadConfiguration(
            f"{where}: a name may not begin with 'before:' or 'after:'; every task has those places."
        )
    if ("deadline" in fields) != ("on_deadline" in fields):
        raise BadConfiguration(f"{where}: 'deadline' and 'on_deadline' belong together; what then happens is written.")
    known(fields["task"], tasks, f"{where}: there is no task")
    return CrewCheckpoint(**{"title": fields["name"], **fields})
