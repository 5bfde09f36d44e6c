import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/ui/i18n/run.js";
import { sorted } from "../../static/ui/facts.js";
import { isShort } from "../../static/ui/fields.js";
import { nameOf } from "../../static/ui/people.js";
import { keepStart, startWords } from "../../static/ui/start.js";

test("a text has one line when its schema or its name says that it is short", () => {
  const short = { output_language: {}, title: { type: "string" }, code: { maxLength: 20 }, when: { format: "date" } };
  const long = { user_input: {}, title: { type: "string", maxLength: 4000 }, language: { type: "object" }, untitled: {} };
  for (const [name, property] of Object.entries(short)) assert.ok(isShort(name, property), name);
  for (const [name, property] of Object.entries(long)) assert.ok(!isShort(name, property), name);
});

test("facts are for a glance or for reading, and what is no text or number is not shown", () => {
  const cost = { amount: "0.0041", currency: "USD", unpriced: 0 };
  const facts = { tokens: 7, cost, task: "Plan ".repeat(20), tools: { search: 2 } };
  assert.deepEqual(sorted(facts), { short: [["tokens", 7], ["cost", cost]], long: [["task", facts.task]] });
});

test("a server that knows no names lets nobody else be called “You”", () => {
  const local = { id: "local", name: "You" };
  const open = { isOpen: true, person: local },
    known = { isOpen: false, person: { id: "rara", name: "Rara" } };
  assert.equal(nameOf(local, false, open), "Somebody");
  assert.equal(nameOf(local, true, open), "You");
  assert.equal(nameOf({ id: "rara", name: "Rara" }, false, known), "You");
  assert.equal(nameOf({ id: "dimas", name: "Dimas" }, false, known), "Dimas");
});

test("the words of a run that has not begun are kept where storage is forbidden, too", () => {
  const get = () => {
    throw new DOMException("Not here", "SecurityError");
  };
  Object.defineProperty(globalThis, "sessionStorage", { get, configurable: true });
  const start = { crew: "content", typed: { user_input: "Half a brief" }, unticked: ["after_planning"] };
  keepStart(start);
  assert.deepEqual(startWords(), start);
});
