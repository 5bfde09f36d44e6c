/** The AsyncAPI document of the socket, as the specification's own parser reads it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { Parser } = load("@asyncapi/parser");
const text = readFileSync(new URL("../../protocol/asyncapi.json", import.meta.url), "utf8");
/** @type {any} */ const golden = JSON.parse(readFileSync(new URL("../golden/frames.json", import.meta.url), "utf8"));
/** Severities of what the parser finds: 0 error, 1 warning. */
const WARNING = 1;

test("the parser takes it without an error or a warning", async () => {
  const { document, diagnostics } = await new Parser().parse(text);
  const found = diagnostics.filter((/** @type {any} */ one) => one.severity <= WARNING);
  assert.deepEqual(found.map((/** @type {any} */ one) => `${one.path.join("/")}: ${one.message}`), []);
  assert.equal(document.version(), "3.0.0");
  const [channel] = document.channels().all();
  assert.equal(channel.address(), "/ws");
  const commands = document.operations().filterByReceive();
  assert.deepEqual(
    commands.map((/** @type {any} */ one) => one.id()).sort(),
    golden.commands.map((/** @type {any} */ one) => one.type).sort(),
  );
  for (const command of commands) {
    const reply = command.reply();
    assert.equal(reply === undefined, command.id() === "pong");
    if (reply) assert.deepEqual(reply.messages().all().map((/** @type {any} */ one) => one.name()), ["reply", "error"]);
  }
});
