"""What modules give, with what they pass on of others."""

from collections import defaultdict
from collections.abc import Mapping

from server.assets.modules.statements import DEFAULT, WHOLE, Export
from server.assets.modules.syntax import Module


def given(modules: Mapping[str, Module], name: str) -> dict[str, Export]:
    """List what a module gives, in the order of a module's names; what two sources mean differently, neither gives."""
    own = {export.name: export for export in modules[name].exports if export.name != WHOLE}
    passed: dict[str, list[Export]] = defaultdict(list)
    for source in (export.source for export in modules[name].exports if export.name == WHOLE):
        for each in given(modules, source):
            if each != DEFAULT and each not in own:
                passed[each].append(Export(each, each, source))
    for each, exports in passed.items():
        if len({origin(modules, export.source, each) for export in exports}) == 1:
            own[each] = exports[0]
    return dict(sorted(own.items()))


def origin(modules: Mapping[str, Module], name: str, wanted: str) -> tuple[str, str]:
    """Find the module that something comes from, and what it calls it; raise `ImportError` where nothing gives it."""
    export = given(modules, name).get(wanted)
    if not export:
        raise ImportError(f"{name} has no export of the name {wanted}")
    taken = {local: (item.source, of) for item in modules[name].imports for of, local in item.names}
    source, of = (export.source, export.of) if export.source else taken.get(export.of, ("", export.of))
    return (source or name, of) if not source or of == WHOLE else origin(modules, source, of)


def check_taken(modules: Mapping[str, Module], name: str) -> None:
    """Raise `ImportError` where a module takes by its name what is not there, or what changes after it was taken."""
    for item in modules[name].imports:
        for of, _ in item.names:
            if of != WHOLE and is_changing(modules, item.source, of):
                raise ImportError(
                    f"{name} takes {of} of {item.source} by its name, and would not see it change:"
                    " take the module (`import * as`) instead, or a function that gives it"
                )
    for export in modules[name].exports:
        if export.source and WHOLE not in (export.name, export.of):
            origin(modules, export.source, export.of)


def is_changing(modules: Mapping[str, Module], name: str, wanted: str) -> bool:
    """Tell whether what a module gives by a name changes after it ran."""
    source, of = origin(modules, name, wanted)
    return of in modules[source].changing
