/**
 * Copies the pinned packages' files out of node_modules and records them in VENDOR.json.
 * Run it after changing a version in package.json: `npm ci && npm run vendor`.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const HERE = import.meta.dirname;
const MODULES = join(HERE, "..", "node_modules");

/** What is taken from each package: the copy's name, then the file inside the package. */
const TAKEN = {
  preact: {
    "preact.js": "dist/preact.mjs",
    "preact-hooks.js": "hooks/dist/hooks.mjs",
    "preact-compat.js": "compat/dist/compat.mjs",
  },
  htm: { "htm.js": "dist/htm.module.js" },
  marked: { "marked.js": "lib/marked.esm.js" },
  diff: {
    "diff/diff/base.js": "libesm/diff/base.js",
    "diff/diff/word.js": "libesm/diff/word.js",
    "diff/util/string.js": "libesm/util/string.js",
  },
  "@fontsource-variable/newsreader": {
    "fonts/newsreader-latin-wght-normal.woff2": "files/newsreader-latin-wght-normal.woff2",
    "fonts/newsreader-latin-wght-italic.woff2": "files/newsreader-latin-wght-italic.woff2",
  },
  "@fontsource-variable/hanken-grotesk": {
    "fonts/hanken-grotesk-latin-wght-normal.woff2": "files/hanken-grotesk-latin-wght-normal.woff2",
  },
  "@fontsource-variable/jetbrains-mono": {
    "fonts/jetbrains-mono-latin-wght-normal.woff2": "files/jetbrains-mono-latin-wght-normal.woff2",
  },
};

const lock = JSON.parse(await readFile(join(HERE, "..", "package-lock.json"), "utf8"));
const record = [];
for (const folder of ["diff", "fonts", "licences"]) await rm(join(HERE, folder), { recursive: true, force: true });

for (const [name, files] of Object.entries(TAKEN)) {
  const { version, license, integrity } = lock.packages[`node_modules/${name}`];
  const licence = `licences/${name.split("/").at(-1)}.txt`;
  /** @type {Record<string, string>} */ const hashes = {};
  for (const [copy, original] of Object.entries({ ...files, [licence]: "LICENSE" })) {
    await mkdir(dirname(join(HERE, copy)), { recursive: true });
    await cp(join(MODULES, name, original), join(HERE, copy));
    hashes[copy] = `sha384-${createHash("sha384").update(await readFile(join(HERE, copy))).digest("base64")}`;
  }
  record.push({ name, version, licence: license, integrity, files: hashes });
}
await writeFile(join(HERE, "VENDOR.json"), `${JSON.stringify(record, null, 2)}\n`);
