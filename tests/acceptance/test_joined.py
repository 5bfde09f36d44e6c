"""Modules that were joined do what they do one by one: node runs both."""

import json
from pathlib import Path

from server.assets.modules import Scripts
from server.assets.views import ENTRY
from tests.support.npm import node, run

#: Too large to be put with others for its size alone.
LARGE = f"/* {'-' * 2048} */"
#: Every form of import and export, names that two modules have for different things, and what looks like a comment.
MODULES = {
    ENTRY: """
        "use strict";
        import "./first.js";
        import anything, * as whole from "./forms.js";
        import { b as a, one, default as again } from "./forms.js";
        import { lib, more } from "lib";
        import { passed, kind, inner } from "./passing.js";
        import * as all from "./passing.js";
        const hidden = "the entry's", $default = "mine";
        const text = "// no /* comment */"; /* but this
        is one */ const pattern = /[/*]+\\/\\//g; // and this
        const template = `
        // kept /* kept */
        ${ /* gone */ hidden }`;
        function self() { return typeof this; }
        console.log(JSON.stringify({
          anything: anything.deep, whole: Object.keys(whole).sort(), a, one, same: again === anything, lib, more,
          passed, kind, inner: inner.two(), all: Object.keys(all).sort(), hidden, $default, text, template,
          source: pattern.source, order: globalThis.order, self: self(), here: import.meta.url.split("/").at(-1),
        }));
        const later = Promise.all([import("./left.js"), import("./deep/right.js"), import("lib")]);
        later.then(async ([left, right, lib]) => {
          console.log(JSON.stringify({
            left: Object.keys(left).sort(), shared: left.count() + right.count(), right: right.default.name,
            named: await right.default(), lib: lib.lib, same: left.one === one, order: globalThis.order,
          }));
        });
    """,
    "ui/first.js": 'globalThis.order = ["first"];',
    "ui/forms.js": """
        globalThis.order.push("forms");
        export const one = 1, b = "b"; const hidden = "of forms";
        export function two() { return `two ${hidden}`; }
        export class Three { static name = "III"; }
        export async function* four() { yield 4; }
        const five = 5;
        export { five, five as six, hidden as "seven" };
        export default { deep: { hidden } };
    """,
    "ui/passing.js": """
        export { default as passed, one } from "./forms.js";
        export * from "./words.js";
        export * as inner from "./forms.js";
        export const own = true;
    """,
    "ui/words.js": 'export const kind = "words"; export default "is not passed on"; export const own = false;',
    "ui/left.js": f"""
        {LARGE}
        import {{ count }} from "./counter.js";
        export {{ one }} from "./forms.js";
        globalThis.order.push("left");
        export {{ count }};
    """,
    "ui/deep/right.js": """
        /** @import { Nothing } from "./nowhere.js" */
        import { count } from "../counter.js";
        export { count };
        export default async function right() { return (await import("./rare.js")).default.toUpperCase() }
    """,
    "ui/counter.js": f"""
        {LARGE}
        import {{ ready }} from "./waits.js";
        let counted = ready;
        export const count = () => ++counted;
    """,
    "ui/waits.js": f"{LARGE}\nexport const ready = await new Promise((done) => setTimeout(done, 5, 40));",
    "ui/deep/rare.js": "export default (() => `rare`)();",
    "lib/index.js": 'var t="lib",n=2;export{t as lib,n as more};\n//# sourceMappingURL=nowhere.map',
}
#: Forms that are legal and seldom seen.
ODD = {
    ENTRY: """#!/usr/bin/env node
        import * as changes from "./changes.js";
        import whole, { "a-b" as dashed, both, "c d" as spaced } from "./passing.js";
        import * as all from "./passing.js";
        import "./deep/address.js";
        function Made() { return { of: new.target?.name }; }
        const early = () => { return /* it ends
            here */ 5; };
        const key = Promise.resolve("computed");
        class Waiting { [await key]() { return 1; } }
        changes.increase();
        console.log(JSON.stringify({
          changed: [changes.count, changes.found, whole.count, all.counted], dashed, both, spaced,
          keys: Object.keys(all), inherited: "constructor" in all, made: new Made(), early: early() ?? "nothing",
          waiting: new Waiting().computed(), where: globalThis.where,
        }));
        globalThis.order = ["entry"];
        const right = () => import("./right.js" /* right */);
        import(/* left */ "./left.js").then(right).then(() => console.log(globalThis.order));
    """,
    "ui/changes.js": """
        let count = 0, found, kept = 1;
        export { count, found, kept };
        export const increase = () => { count++; [found] = [count]; };
    """,
    "ui/passing.js": """
        export * as default from "./changes.js";
        export { count as counted, kept as "c d" } from "./changes.js";
        export * from "./one.js";
        export * from "./other.js";
    """,
    "ui/one.js": 'const own = 1; export { own as "a-b", own as unlike }; export { both } from "./both.js";',
    "ui/other.js": 'export const unlike = 2, z = 1, a = 2; export * from "./both.js";',
    "ui/both.js": "export const both = true",
    "ui/deep/address.js": "globalThis.where = import.meta.url.split('/').slice(-2).join('/');",
    "ui/left.js": f"{LARGE}\nimport './shared.js'; globalThis.order.push('left');",
    "ui/right.js": f"{LARGE}\nimport './shared.js'; globalThis.order.push('right');",
    "ui/shared.js": "globalThis.order.push('shared');",
}
BARE = {"lib": "lib/index.js"}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "package.json").write_text('{ "type": "module" }')
    return folder


def test_joined_modules_say_what_they_say_one_by_one(tmp_path: Path) -> None:
    sources = {name: text.encode() for name, text in MODULES.items()}
    scripts = Scripts(sources, BARE)
    alone, joined = write(tmp_path / "alone", sources), write(tmp_path / "joined", scripts.texts)
    package = alone / "node_modules" / "lib"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{ "type": "module", "exports": "./index.js" }')
    (package / "index.js").write_bytes(sources["lib/index.js"])
    said = run([*node(), ENTRY], alone, limit=20)
    assert run([*node(), ENTRY], joined, limit=20) == said
    assert [json.loads(line)["order"] for line in said.splitlines()] == [["first", "forms"], ["first", "forms", "left"]]
    assert set(scripts.texts) == {
        ENTRY, "ui/left.js", "ui/deep/right.js", "ui/counter.js", "ui/deep/rare.js",
    }  # fmt: skip


def test_what_is_seldom_seen_is_joined_as_well(tmp_path: Path) -> None:
    sources = {name: text.encode() for name, text in ODD.items()}
    alone, joined = write(tmp_path / "alone", sources), write(tmp_path / "joined", Scripts(sources, {}).texts)
    assert run([*node(), ENTRY], joined, limit=20) == run([*node(), ENTRY], alone, limit=20)
