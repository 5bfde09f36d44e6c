"""What is read of a module's imports and exports."""

import pytest

from server.assets.modules.statements import DEFAULT, WHOLE, Export, Import
from server.assets.modules.syntax import Module, parse

BARE = {"react": "vendor/react.js"}


def module(text: str) -> Module:
    return parse("ui/a.js", text.encode(), BARE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('import "./b.js"', Import("ui/b.js")),
        ('import b from "../b.js"', Import("b.js", ((DEFAULT, "b"),))),
        ('import * as b from "./c/b.js"', Import("ui/c/b.js", ((WHOLE, "b"),))),
        ('import { b, c as d } from "react"', Import("vendor/react.js", (("b", "b"), ("c", "d")))),
        ('import {b as c}from"react";', Import("vendor/react.js", (("b", "c"),))),
        ('import b, { default as c } from "./b.js"', Import("ui/b.js", ((DEFAULT, "b"), (DEFAULT, "c")))),
        ('import b, * as c from "./b.js"', Import("ui/b.js", ((DEFAULT, "b"), (WHOLE, "c")))),
    ],
)
def test_each_form_of_an_import(text: str, wanted: Import) -> None:
    assert module(text).imports == (wanted,)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("export const b = 1, c = 2", [Export("b", "b"), Export("c", "c")]),
        ("export function b() {}", [Export("b", "b")]),
        ("export async function* b() {}", [Export("b", "b")]),
        ("export class B {}", [Export("B", "B")]),
        ("export default class B {}", [Export(DEFAULT, "B")]),
        ("export default function b() {}", [Export(DEFAULT, "b")]),
        ("export default { b: 1 }", [Export(DEFAULT, "$default")]),
        ("export default () => 1", [Export(DEFAULT, "$default")]),
        ("const b = 1; export { b, b as c, b as default }", [Export("b", "b"), Export("c", "b"), Export(DEFAULT, "b")]),
        ('export { b, default as c } from "./b.js"', [Export("b", "b", "ui/b.js"), Export("c", DEFAULT, "ui/b.js")]),
        ('export * from "react"', [Export(WHOLE, WHOLE, "vendor/react.js")]),
        ('export * as b from "./b.js"', [Export("b", WHOLE, "ui/b.js")]),
        ('export * as default from "./b.js"', [Export(DEFAULT, WHOLE, "ui/b.js")]),
        ("const b = 1; export { b as 'c-d', /* e */ b /* f */ as g, // h\n}", [Export("c-d", "b"), Export("g", "b")]),
    ],
)
def test_each_form_of_an_export(text: str, wanted: list[Export]) -> None:
    found = module(text)
    assert found.exports == tuple(wanted)
    assert set(found.sources) == {export.source for export in wanted if export.source}


def test_what_comes_later_is_told_from_what_is_needed_at_once() -> None:
    found = module('import "./b.js"; const c = () => import("./c.js"); import("react");')
    assert (found.sources, found.later) == (("ui/b.js",), ("ui/c.js", "vendor/react.js"))


def test_texts_and_comments_that_look_like_imports_are_none() -> None:
    found = module('/** @type {import("./b.js").B} */ const a = "import c from \'./c.js\'"; // import "./d.js"')
    assert (found.sources, found.later, found.imports) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("await b;", True),
        ("const c = { d: [await b] };", True),
        ("for await (const c of b) c();", True),
        ("const c = async () => await b;", False),
        ("async function c() { for await (const d of b) d(); }", False),
        ("class C { async d() { await b; } }", False),
        ("async function* c() { yield await b; }", False),
        ("class C { [await b]() {} }", True),
    ],
)
def test_a_module_that_awaits_something_itself_is_known(text: str, waits: bool) -> None:
    assert module(text).waits is waits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("const = 1", r"ui/a\.js is not JavaScript"),
        ("const b = 1;\nimport(`./${b}.js`)", r"ui/a\.js: an address that is not a plain string, in line 2"),
        ("export let b = 1", r"ui/a\.js: an export that is no plain constant, in line 1"),
        ("export const { b } = c", r"ui/a\.js: an export that is no plain constant, in line 1"),
        ("export\nconst b = 1", r"ui/a\.js: a word of modules that the parser reads as a name, in line 1"),
        ("export default function () {}\n(b)()", r"a default export without a name and a semicolon, in line 1"),
        ("export default class {}\n[b].map(c)", r"a default export without a name and a semicolon, in line 1"),
        (
            'import b from "./b.json" with { type: "json" }',
            r'with \{ type: "json" \}, which cannot be joined, in line 1',
        ),
        ('import("./b.js", { with: {} })', r"an `import\(…\)` of more than an address, in line 1"),
        ("\nconst { url } = import.meta", r"an `import\.meta` for more than its `url`, in line 2"),
        ('import.meta.resolve("./b.js")', r"an `import\.meta` for more than its `url`, in line 1"),
        ("const b = 1;\n\nlet = = c", r"ui/a\.js is not JavaScript that can be read, in line 3"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SyntaxError, match=message):
        module(text)
