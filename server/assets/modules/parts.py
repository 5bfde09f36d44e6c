"""Which modules browsers get together: few files, and in none of them what its page does not need."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.assets.modules.syntax import Module

#: What is smaller than this, in bytes of its source, and needed in several places, is no request of its own worth.
SMALL = 4096


@dataclass(frozen=True)
class Part:
    """Modules that come together, in the order in which they run; it has the name of the last."""

    modules: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name the part by the module that needs the others."""
        return self.modules[-1]


def divide(modules: Mapping[str, Module], entry: str) -> list[Part]:
    """Put those modules together that are needed by the same: by the entry itself, or by the same `import(…)`s.

    Who asks for a module needs all that the module needs, so that parts need each other in no circle.
    Raises `ImportError` where modules do, and where one would wait for a part that waits for it.
    """
    for module in modules.values():
        _check_sources(modules, module)
    order = _order(modules, entry)
    askers: dict[str, set[str]] = defaultdict(set)
    for asker in dict.fromkeys([entry, *(later for name in order for later in modules[name].later)]):
        for name in needed(modules, [asker]):
            askers[name].add(asker)
    together: dict[frozenset[str], list[str]] = defaultdict(list)
    for name in order:
        together[frozenset({entry} if entry in askers[name] else askers[name])].append(name)
    first = set(together[frozenset({entry})])
    for asked, names in together.items():
        if len(asked) > 1 and _is_small(modules, names, first):
            first.update(names)
    main = [*(name for name in order if name in first and name != entry), entry]
    others = ([name for name in names if name not in first] for names in together.values())
    parts = [Part(tuple(names)) for names in [main, *others] if names]
    for part in parts:
        _check_waits(modules, part)
        _check_order(modules, {name: each for each in parts[1:] for name in each.modules}, part.name)
    return parts


def needed(modules: Mapping[str, Module], names: Iterable[str]) -> list[str]:
    """Name the modules that these cannot run without, themselves included: the needed before what needs it."""
    done: dict[str, None] = {}
    for name in names:
        _visit(modules, name, done, ())
    return list(done)


def _order(modules: Mapping[str, Module], entry: str) -> list[str]:
    """Name all modules that an entry may ever need, in the order in which they would run."""
    names = needed(modules, [entry])
    for name in names:
        names += [each for each in needed(modules, modules[name].later) if each not in names]
    return names


def _visit(modules: Mapping[str, Module], name: str, done: dict[str, None], path: tuple[str, ...]) -> None:
    if name in path:
        raise ImportError(f"modules need each other in a circle: {' → '.join((*path, name))}")
    if name not in done:
        for source in modules[name].sources:
            _visit(modules, source, done, (*path, name))
        done[name] = None


def _check_sources(modules: Mapping[str, Module], module: Module) -> None:
    for source in (*module.sources, *module.later):
        if source not in modules:
            raise ImportError(f"{module.name} needs {source}, which is no module of the page")


def _check_waits(modules: Mapping[str, Module], part: Part) -> None:
    for name in part.modules:
        asked = [later for each in needed(modules, [name]) for later in modules[each].later]
        if modules[name].waits and not set(part.modules).isdisjoint(needed(modules, asked)):
            raise ImportError(
                f"{name} awaits at its top level what may need it, by `import(…)`, and would wait for ever"
            )


def _check_order(modules: Mapping[str, Module], homes: Mapping[str, Part], name: str) -> None:
    """Hold what does something by running to its order, which parts that run as a whole could change."""
    alone = [each for each in needed(modules, [name]) if each in homes and modules[each].acts]
    ran: dict[str, None] = {}
    _run(modules, homes, name, ran)
    joined = [each for each in ran if each in alone]
    for first, second in zip(alone, joined, strict=True):
        if first != second:
            raise ImportError(f"{first} does something before {second} does, and would do it after it when joined")


def _run(modules: Mapping[str, Module], homes: Mapping[str, Part], name: str, ran: dict[str, None]) -> None:
    if name in homes and name not in ran:
        held = homes[name].modules
        for source in (source for each in held for source in modules[each].sources if source not in held):
            _run(modules, homes, source, ran)
        ran.update(dict.fromkeys(held))


def _is_small(modules: Mapping[str, Module], names: list[str], first: set[str]) -> bool:
    if any(modules[name].acts or modules[name].waits for name in names):
        return False  # it is not to do, nor to await, what nobody has asked for
    sources = {source for name in names for source in modules[name].sources}
    return sum(len(modules[name].text) for name in names) < SMALL and sources <= first | set(names)
