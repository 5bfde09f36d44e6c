import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/ui/i18n/run.js";
import { choices } from "../../static/ui/actions.js";
import { atFields, formOf, prepare } from "../../static/ui/answer.js";
import { textOf } from "../../static/ui/draft.js";
import { read } from "../../static/ui/fields.js";
import { pretty } from "../../static/ui/json.js";
import { chosen, labelOf } from "../../static/ui/verdict.js";
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
  for (const text of ["{", "[1]", "7", '{"id": 12345678901234567890}'])
    assert.deepEqual(Object.keys(Object(prepare(c, action("edit"), { ...entered, text })).problems), ["arguments"], text);
  assert.deepEqual(prepare(c, action("reject", true), entered), { problem: "card.say_agent" });
  assert.deepEqual(prepare(c, action("reject", true), { ...entered, note: "Not today" }), {
    answer: { action: "reject", feedback: "Not today" },
  });
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

test("outcomes come first, then what goes on; a lost result can be told at any time", () => {
  const ids = (/** @type {string[]} */ names, tells = false) =>
    choices(names.map((id) => action(id)), false, tells).map((a) => a.id);
  assert.deepEqual(ids(["respond", "stop", "outcome:b", "outcome:a"]), ["outcome:b", "outcome:a", "respond", "stop"]);
  assert.deepEqual(ids(["retry", "edit", "stop"], true), ["retry", "edit", "stop"]);
});

test("a button says what it does at this question; what the page does not know, the server says", () => {
  const tool = checkpoint({ kind: "tool" }),
    version = checkpoint({ kind: "recovery", name: "new-version" });
  assert.equal(labelOf(tool, action("approve")), "Run it");
  assert.equal(labelOf(checkpoint(), action("approve")), "Approve");
  assert.equal(labelOf(version, action("retry")), "Go on with the new version");
  assert.equal(labelOf(tool, { ...action("outcome:again"), label: "Once more" }), "Once more");
  const flow = checkpoint({ kind: "flow", actions: [{ id: "outcome:too_long", label: "Too long" }] });
  assert.equal(chosen(flow, "outcome:too_long"), "Too long");
  assert.equal(chosen(undefined, "outcome:too_long"), "Too long");
});

test("an outcome is sent by its name, with a note or without", () => {
  const c = checkpoint({ kind: "flow", actions: [action("outcome:approved"), action("respond")] });
  assert.deepEqual(prepare(c, action("outcome:approved"), entered), { answer: { action: "outcome:approved" } });
  assert.deepEqual(prepare(c, action("outcome:approved"), { ...entered, note: "Well done" }), {
    answer: { action: "outcome:approved", feedback: "Well done" },
  });
});

test("a lost result is told as text, whatever the tool was given", () => {
  const c = checkpoint({ kind: "recovery", tool: { name: "mail", arguments: {} }, actions: [action("edit")] });
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: "sent" }), {
    answer: { action: "edit", output: "sent" },
  });
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: " " }), { problems: { output: "Fill this in" } });
  assert.deepEqual(prepare(c, action("retry"), { ...entered, text: "" }), { answer: { action: "retry" } });
});

test("a typed draft stays JSON, and keeps every digit", () => {
  const text = '{"id":12345678901234567890,"tags":[],"of":{"n":1.0,"say":"a: [b], {c}"}}';
  const c = checkpoint({ draft: { text, content_type: "application/json" }, schema: { type: "object" } });
  const shown = '{\n  "id": 12345678901234567890,\n  "tags": [],\n  "of": {\n    "n": 1.0,\n    "say": "a: [b], {c}"\n  }\n}';
  assert.equal(textOf(c), shown);
  assert.equal(pretty("no JSON: {"), "no JSON: {");
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: shown }), {
    answer: { action: "edit", output: shown },
  });
  assert.deepEqual(prepare(c, action("edit"), { ...entered, text: "{" }), {
    problems: { output: "This must be JSON" },
  });
});

/** As pydantic writes the schema of a model. */
const BUDGET = {
  $defs: { Tone: { enum: ["plain", "warm"], type: "string" }, Place: { type: "object", properties: { city: {} } } },
  type: "object",
  properties: {
    amount: { type: "integer" },
    note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
    most: { anyOf: [{ type: "integer" }, { type: "null" }] },
    tone: { $ref: "#/$defs/Tone" },
    place: { $ref: "#/$defs/Place" },
    either: { anyOf: [{ type: "integer" }, { type: "string" }] },
  },
  required: ["amount", "most", "tone"],
};

test("the form of a pydantic model: choices, what may be empty, and JSON for what has no field", () => {
  const c = checkpoint({ kind: "ask", actions: [action("respond")], schema: BUDGET });
  const form = { amount: "7", tone: "warm", place: '{"city":"Solo"}', either: '"x"' };
  assert.deepEqual(prepare(c, action("respond"), { ...entered, form }), {
    answer: {
      action: "respond",
      response: { amount: 7, most: null, tone: "warm", place: { city: "Solo" }, either: "x" },
    },
  });
  const wrong = prepare(c, action("respond"), { ...entered, form: { amount: "a", place: "{" } });
  assert.deepEqual(Object.keys(Object(wrong).problems).sort(), ["amount", "place", "tone"]);
  assert.deepEqual(atFields(c, { "place.city": "too short", response: "the whole" }), { place: "too short" });
});

test("an answer that is no object is written as JSON in one field", () => {
  const c = checkpoint({ kind: "ask", actions: [action("respond")], schema: { type: "array" } });
  assert.deepEqual(prepare(c, action("respond"), { ...entered, form: { response: "[1, 2]" } }), {
    answer: { action: "respond", response: [1, 2] },
  });
  assert.deepEqual(atFields(c, { 0: "not a text" }), { response: "not a text" });
});

test("a ring of references is no form, and no end of the page", () => {
  const ring = { $defs: { a: { $ref: "#/$defs/a" } }, type: "object", properties: { x: { $ref: "#/$defs/a" } } };
  const c = checkpoint({ kind: "ask", actions: [action("respond")], schema: ring });
  assert.equal(formOf(c)?.properties?.["x"]?.type, "json");
});
