import assert from "node:assert/strict";
import { test } from "node:test";
import { choices } from "../../static/ui/actions.js";
import { formOf, prepare } from "../../static/ui/answer.js";
import { read } from "../../static/ui/fields.js";
import { checkpoint } from "./support.js";

const action = (/** @type {string} */ id, needs_feedback = false) => ({
  id,
  label: id,
  needs_feedback,
  confirm: false,
});
const entered = { text: "Edited", note: "", form: {} };

test("an approval is bare, an edit carries the text, a note goes along", () => {
  const c = checkpoint();
  assert.deepEqual(prepare(c, action("approve"), entered), { answer: { action: "approve" } });
  assert.deepEqual(prepare(c, action("edit"), entered), { answer: { action: "edit", output: "Edited" } });
  assert.deepEqual(prepare(c, action("skip"), { ...entered, note: " later " }), {
    answer: { action: "skip", feedback: "later" },
  });
});

test("what needs words is not sent without them", () => {
  assert.deepEqual(prepare(checkpoint(), action("revise", true), entered), { problem: "card.say" });
  assert.deepEqual(prepare(checkpoint(), action("respond"), entered), { problem: "card.say_answer" });
});

test("an edited tool call sends its arguments, and only as JSON", () => {
  const c = checkpoint({ kind: "tool", tool: { name: "mail", arguments: { to: "a" } } });
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: '{"to":"b"}' }), {
    answer: { action: "edit", arguments: { to: "b" } },
  });
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: "{" }), { problem: "card.json" });
});

test("a typed answer follows its schema, of an object or of one value", () => {
  const ask = { kind: /** @type {const} */ ("ask"), actions: [action("respond")] };
  const one = checkpoint({ ...ask, schema: { type: "integer" } });
  assert.deepEqual(Object.keys(formOf(one)?.properties ?? {}), ["response"]);
  assert.deepEqual(prepare(one, action("respond"), { ...entered, form: { response: "7" } }), {
    answer: { action: "respond", response: 7 },
  });
  assert.ok("problems" in prepare(one, action("respond"), { ...entered, form: { response: "seven" } }));
  const many = checkpoint({
    ...ask,
    schema: { type: "object", properties: { tone: { enum: ["plain", "warm"] } }, required: ["tone"] },
  });
  assert.deepEqual(prepare(many, action("respond"), { ...entered, form: { tone: "warm" } }), {
    answer: { action: "respond", response: { tone: "warm" } },
  });
});

test("fields are read into what their schema says", () => {
  const schema = {
    properties: {
      n: { type: "number" },
      yes: { type: "boolean" },
      list: { type: "array" },
      text: { type: "string", default: "hi" },
      none: { type: "string" },
    },
    required: ["n"],
  };
  assert.deepEqual(read(schema, { n: "1,5", yes: "true", list: "[1]" }), {
    values: { n: 1.5, yes: true, list: [1], text: "hi" },
    problems: {},
  });
  assert.deepEqual(Object.keys(read(schema, { list: "[" }).problems), ["n", "list"]);
});

test("an edited draft is approved with its edits, and what goes on comes first", () => {
  const offered = ["stop", "approve", "edit", "revise"].map((id) => action(id));
  assert.deepEqual(
    choices(offered, false).map((a) => a.id),
    ["approve", "stop", "revise"],
  );
  assert.deepEqual(
    choices(offered, true).map((a) => a.id),
    ["edit", "stop", "revise"],
  );
});
