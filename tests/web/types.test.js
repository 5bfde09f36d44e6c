/** What compiles against the package, and what must not. The same files are compiled against the packed one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./types/", import.meta.url)),
  tsc = fileURLToPath(new URL("../../static/node_modules/.bin/tsc", import.meta.url));
/** @type {string[]} */
const errors = spawnSync(tsc, ["--project", here, "--pretty", "false"], { cwd: here, encoding: "utf8" })
  .stdout.split("\n")
  .filter((line) => /^\S.*error TS/.test(line));

test("components that were written for the polling front end, and for this package, compile under strict", () => {
  assert.deepEqual(
    errors.filter((line) => !line.startsWith("wrong.tsx")),
    [],
  );
});

test("each mistake is found, and nothing else", () => {
  const lines = readFileSync(`${here}wrong.tsx`, "utf8").split("\n");
  const expected = lines.flatMap((line, i) => (/(\/\/|\/\*) \d+/.test(line) ? [i + 1] : []));
  const found = errors.flatMap((line) => line.match(/^wrong\.tsx\((\d+),/)?.[1] ?? []).map(Number);
  assert.equal(expected.length, 10);
  assert.deepEqual([...new Set(found)], expected);
});
