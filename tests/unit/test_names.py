"""Names that joined modules take of each other, or could take from each other."""

import pytest

from server.assets.modules import Scripts
from server.assets.modules.syntax import parse
from server.assets.views import ENTRY


def join(main: str, **texts: str) -> dict[str, bytes]:
    return Scripts({ENTRY: main.encode(), **{f"ui/{name}.js": text.encode() for name, text in texts.items()}}, {}).texts


def changing(text: str) -> set[str]:
    return set(parse("a.js", text.encode(), {}).changing)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ('import { no } from "./b.js"', "export const b = 1"),
        ('import no from "./b.js"', "export const b = 1"),
        ('export { no } from "./b.js"', "export const b = 1"),
        ('import { no } from "./c.js"', "export default 1"),
    ],
)
def test_what_no_module_gives_is_refused(text: str, given: str) -> None:
    with pytest.raises(ImportError, match=r"ui/[bc]\.js has no export of the name (no|default)"):
        join(text, b=given, c='export * from "./b.js"')


@pytest.mark.parametrize(
    "change",
    [
        "() => { n = 1 }", "() => n++", "() => { n += 1 }", "() => { [n] = [1] }", "() => { ({ a: n = 2 } = {}) }",
        "() => { ({ n } = {}) }", "() => { for (n of [1]); }", "function () { n = 1; { let n; } }", "(a = n = 1) => a",
        "() => { n = 1; (() => { var n })() }",
    ],
)  # fmt: skip
def test_what_changes_later_cannot_be_taken_by_its_name(change: str) -> None:
    given = f"let n = 0; export {{ n }}; export const change = {change};"
    with pytest.raises(ImportError, match=r"ui/app\.js takes n of ui/b\.js by its name, and would not see it change"):
        join('import { n } from "./b.js"', b=given)
    assert changing(given) == {"n"}


@pytest.mark.parametrize(
    "text",
    [
        "let n; n = 1; for (n of [1]); export { n }",
        "let n; export { n }; export const f = (n) => { n = 1 }",
        "let n; export { n }; function f({ a: [n], ...m }) { n = m }",
        "let n; export { n }; function f() { n = 1; if (n) { for (var n of [1]); } }",
        "let n; export { n }; function f() { for (let n = 1; n < 2; n++); try { f() } catch (n) { n = 1 } }",
        "let n; export { n }; const f = function n() { n = 1 }",
        "let n; export { n }; const f = (a) => { switch (a) { case 1: let n; n = 1 } a.n = 1; a[n] = 2 }",
        "let n, m; export { n }; const f = () => { m = n }",
    ],
)
def test_what_only_looks_as_if_it_changed_later_is_taken_by_its_name(text: str) -> None:
    assert changing(text) == set()
    assert b"{ n }" in join('import { n } from "./b.js"', b=text)[ENTRY]


@pytest.mark.parametrize(
    ("main", "text"),
    [
        ('import "./b.js"', 'const $default = 1; export default "else"'),
        ('import { b } from "./b.js"; const $ui_b = b', "export const b = 1"),
    ],
)
def test_names_that_joined_modules_have_are_refused(main: str, text: str) -> None:
    with pytest.raises(ImportError, match=r"uses the name \$(default|ui_b)"):
        join(main, b=text)


def test_modules_that_would_have_the_same_name_are_refused() -> None:
    with pytest.raises(ImportError, match=r"ui/b-c\.js and ui/b_c\.js would have the same name, \$ui_b_c"):
        join('import "./b-c.js"; import "./b_c.js"', **{"b-c": "", "b_c": ""})
