import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, initialState, reduce } from "../../static/client/store.js";
import { conversationsOf, matches } from "../../static/ui/conversations.js";
import { setLanguage } from "../../static/ui/i18n/index.js";
import { lanesOf } from "../../static/ui/lanes.js";
import { isLanguage, messageInput } from "../../static/ui/message.js";
import { toJson, toMarkdown } from "../../static/ui/transcript.js";
import { checkpoint, completed, decided, event, ID, opened, queued, synced, taskCompleted, taskStarted } from "./support.js";

/** @import { Execution } from "../../static/client/protocol.js" */
/** @import { CheckpointView, ExecutionView, TaskView } from "../../static/client/types.js" */

Object.assign(globalThis, { sessionStorage: { getItem: () => null, setItem: () => undefined } });

/** @param {string} id @param {number} minute @param {string} [conversation] */
const run = (id, minute, conversation) =>
  /** @type {Execution} */ (/** @type {unknown} */ ({ id, title: `Title of ${id}`, created_at: `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`, ...(conversation && { conversation }) }));

test("runs of a conversation stand together, the one last spoken in first, and a run can begin one by itself", () => {
  const talks = conversationsOf([run("d", 40), run("c", 30, "cv"), run("b", 20, "a"), run("a", 10), run("e", 50, "cv")]);
  assert.deepEqual(
    talks.map((talk) => [talk.title, talk.runs.map(({ id }) => id), talk.latest.id]),
    [
      ["Title of c", ["c", "e"], "e"],
      ["Title of d", ["d"], "d"],
      ["Title of a", ["a", "b"], "b"],
    ],
  );
});

test("a search finds every word, in any order and case", () => {
  const texts = ["Ramadan launch", undefined, "content"];
  for (const found of ["", "rama", "LAUNCH content", "ent mad"]) assert.ok(matches(found, texts), found);
  for (const missed of ["x", "ramadan xmas"]) assert.ok(!matches(missed, texts), missed);
});

test("a message fills the input that is called so, else the only text that must be there", () => {
  const text = { type: "string" };
  const cases = /** @type {const} */ ([
    [{ properties: { language: text, user_input: text, topic: text } }, "user_input"],
    [{ properties: { topic: {}, year: { type: "integer" } } }, "topic"],
    [{ properties: { company: text, output_language: text }, required: ["company", "output_language"] }, "company"],
    [{ properties: { company: text, market: text }, required: ["company", "market"] }, undefined],
    [{ properties: { topic: { type: "string", enum: ["a"] }, n: { type: "integer" } } }, undefined],
    [{}, undefined],
  ]);
  for (const [schema, expected] of cases) assert.equal(messageInput(/** @type {any} */ (schema)), expected);
  assert.deepEqual(["language", "output_language", "input_language"].map(isLanguage), [true, true, false]);
});

/** @param {string} name @param {string} agent @returns {TaskView} */
const task = (name, agent) => ({ name, agent, title: name, index: 0, state: "completed", round: 1, usage: { total_tokens: 10 }, work: [{ from: 0, to: 5 }] });

test("a timeline has a lane for each task; too many are told by their agents; questions of no task have their own", () => {
  const few = /** @type {ExecutionView} */ (/** @type {unknown} */ ({ tasks: [task("a", "Rara"), task("b", "Rara")] }));
  const asked = /** @type {CheckpointView[]} */ (/** @type {unknown} */ ([{ task: "a", waits: [{ from: 5, to: 9 }] }, { waits: [{ from: 6 }] }]));
  assert.deepEqual(
    lanesOf(few, asked, "Questions").map(({ name, waits, usage }) => [name, waits.length, usage.total_tokens]),
    [["a", 1, 10], ["b", 0, 10], ["Questions", 1, 0]],
  );
  const many = { ...few, tasks: Array.from({ length: 13 }, (_, i) => task(`t${i}`, i % 2 ? "Rara" : "Dimas")) };
  assert.deepEqual(
    lanesOf(many, [], "Questions").map(({ name, work, usage }) => [name, work.length, usage.total_tokens]),
    [["Dimas", 7, 70], ["Rara", 6, 60]],
  );
  const priced = many.tasks.map((one, i) => ({ ...one, usage: { calls: 1, ...(i && { cost: { amount: "0.1", currency: "USD" } }) } }));
  assert.deepEqual(
    lanesOf({ ...many, tasks: priced }, [], "Questions").map(({ usage }) => usage.cost),
    [{ amount: "0.600000000", currency: "USD", unpriced: 1 }, { amount: "0.600000000", currency: "USD", unpriced: 0 }],
  );
});

/** What is known after a run that was revised once. */
const told = () =>
  [
    queued(),
    taskStarted(2),
    event("tool.started", 3, { call: "c", tool: "lookup", arguments: { q: "```" } }),
    event("tool.completed", 4, { call: "c", tool: "lookup", result: "```\nfound", seconds: 1 }),
    opened(5),
    decided(6, { action: "revise", feedback: "Shorter,\nplease" }),
    taskStarted(7, 2),
    opened(8, { version: 2, draft: { text: "Short" } }),
    decided(9, { version: 2, action: "edit", diff: "-Short\n+Shorter" }, { by: { id: "u", name: "Rara" } }),
    taskCompleted(10, "Shorter"),
    completed(11),
    synced(11),
  ].reduce(reduce, follow(initialState, ID));

test("a run is taken along as Markdown, in the order of its log, and as JSON with all that is known", async () => {
  const state = told(),
    known = state.executions[ID];
  assert.ok(known);
  const text = toMarkdown(known, state.checkpoints);
  const order = ["# ", "````json\n{\n  \"q\"", "````\n```\nfound\n````", "asked for changes", "> Shorter,\n> please", "(round 2)", "Rara approved", "```diff\n-Short\n+Shorter\n```", "## Result\n\nDone"];
  assert.deepEqual(order.map((part) => text.indexOf(part)).filter((at, i, all) => at < 0 || at < (all[i - 1] ?? 0)), [], text);
  const data = JSON.parse(toJson(known, state.checkpoints));
  assert.equal(data.format, "quarterdeck.transcript");
  assert.deepEqual([data.execution.id, data.execution.items.length, data.checkpoints[0].id], [ID, known.items.length, checkpoint().id]);
  assert.ok(!("streams" in data.execution));
  await setLanguage("id");
  assert.match(toMarkdown(known, state.checkpoints), /Rara menyetujui “After planning” dengan suntingan/);
  await setLanguage("en");
});

test("a run knows its conversation, the run that it was forked from, and what its tasks wrote into files", () => {
  const origin = { execution: "x_0", checkpoint: "cp_0", offset: 4 };
  const first = queued();
  const begun = /** @type {any} */ ({ ...first, data: { .../** @type {any} */ (first).data, conversation: "cv_1", forked_from: origin } });
  const done = /** @type {any} */ (taskCompleted(3, "Text"));
  const state = [begun, taskStarted(2), { ...done, data: { ...done.data, file: "plan.md" } }].reduce(reduce, follow(initialState, ID));
  const known = state.executions[ID];
  assert.deepEqual([known?.conversation, known?.forkedFrom, known?.tasks[0]?.file], ["cv_1", origin, "plan.md"]);
  assert.deepEqual([state.summaries[ID]?.conversation, state.summaries[ID]?.forked_from], ["cv_1", origin]);
});
