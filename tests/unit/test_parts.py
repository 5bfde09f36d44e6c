"""Which modules come together: what is needed by the same, in the order in which it runs."""

import pytest

from server.assets.modules.parts import SMALL, divide
from server.assets.modules.syntax import Module, parse

#: Makes a module too large to be put with others for its size alone.
LARGE = "/" * SMALL


def modules(**texts: str) -> dict[str, Module]:
    return {f"{name}.js": parse(f"{name}.js", text.encode(), {}) for name, text in texts.items()}


def parts(**texts: str) -> list[list[str]]:
    return [[name.removesuffix(".js") for name in part.modules] for part in divide(modules(**texts), "main.js")]


def test_what_the_entry_needs_is_one_part_and_runs_before_what_needs_it() -> None:
    found = parts(
        main='import "./a.js"; import "./b.js";', a='import "./c.js";', b='import "./c.js"; import "./a.js"', c=""
    )
    assert found == [["c", "a", "b", "main"]]


def test_a_part_holds_what_the_same_ask_for() -> None:
    found = parts(
        main='import "./core.js"; import("./left.js"); import("./right.js");',
        core="",
        left=f'import "./core.js"; import "./mine.js"; import "./ours.js"; //{LARGE}',
        right='import "./ours.js"; import "./deeper.js";',
        mine="",
        ours=f'import "./deeper.js"; //{LARGE}',
        deeper="",
    )
    assert found == [["core", "main"], ["mine", "left"], ["deeper", "ours"], ["right"]]


def test_what_is_small_and_needed_in_several_places_comes_with_the_entry() -> None:
    asks = 'import("./left.js"); import("./right.js");'
    assert parts(main=asks, left='import "./small.js"', right='import "./small.js"', small="") == [
        ["small", "main"], ["left"], ["right"],
    ]  # fmt: skip
    large = parts(main=asks, left='import "./large.js"', right='import "./large.js"', large=f"//{LARGE}")
    assert large == [["main"], ["large"], ["left"], ["right"]]


def test_what_is_small_but_needs_more_stays_with_what_it_needs() -> None:
    needs_more = 'import "./small.js"; import "./large.js"'
    found = parts(
        main='import("./left.js"); import("./right.js"); import("./third.js")',
        left=needs_more, right=needs_more, third='import "./large.js"',
        small='import "./large.js"', large=f"//{LARGE}",
    )  # fmt: skip
    assert found == [["main"], ["large"], ["small"], ["left"], ["right"], ["third"]]


def test_what_does_something_by_running_waits_until_it_is_asked_for() -> None:
    asks = 'import("./left.js"); import("./right.js");'
    needs = 'import "./small.js"'
    assert parts(main=asks, left=needs, right=needs, small='"use strict"; document.title = "";') == [
        ["main"], ["small"], ["left"], ["right"],
    ]  # fmt: skip


def test_what_awaits_something_keeps_nobody_waiting_who_does_not_need_it() -> None:
    asks = 'import("./left.js"); import("./right.js");'
    needs = 'import "./small.js"'
    assert parts(main=asks, left=needs, right=needs, small="export const words = await fetch('words');")[0] == ["main"]


def test_parts_that_would_change_the_order_of_what_is_done_are_refused() -> None:
    with pytest.raises(ImportError, match=r"mine\.js does something before shared\.js does"):
        parts(
            main='import("./left.js"); import("./right.js");',
            left='import "./mine.js"; import "./shared.js";',
            right='import "./shared.js";',
            mine="first();",
            shared="second();",
        )


@pytest.mark.parametrize("text", ['import "./nowhere.js"', 'const later = () => import("./nowhere.js")'])
def test_a_module_that_is_not_there_is_named_and_so_is_who_needs_it(text: str) -> None:
    with pytest.raises(ImportError, match=r"a\.js needs nowhere\.js, which is no module of the page"):
        parts(main='import "./a.js"', a=text)


def test_what_is_asked_for_and_needed_at_once_comes_at_once() -> None:
    assert parts(main='import "./a.js"; import("./a.js")', a="") == [["a", "main"]]


def test_modules_in_a_circle_are_refused_by_name() -> None:
    with pytest.raises(ImportError, match=r"in a circle: main\.js → a\.js → b\.js → a\.js"):
        parts(main='import "./a.js"', a='import "./b.js"', b='import "./a.js"')


def test_a_module_that_would_wait_for_what_waits_for_it_is_refused() -> None:
    with pytest.raises(ImportError, match=r"main\.js awaits at its top level"):
        parts(main='import "./core.js"; await import("./part.js");', core="", part='import "./core.js"')


def test_a_module_may_wait_for_what_needs_nothing_of_its_part() -> None:
    found = parts(main='import "./copy.js"', copy='await import("./words.js")', words="")
    assert found == [["copy", "main"], ["words"]]
