import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { addressOf } from "../../static/adapters/shared.js";
import { CheckpointApproval, useHITLWorkflow } from "../../static/adapters/compat/index.js";
import { answerOf, checkpointsOf, infoOf, openOf, statusOf } from "../../static/adapters/compat/mapping.js";
import { crewFor, inputsOf, startOf } from "../../static/adapters/compat/request.js";
import { follow, initialState, reduce } from "../../static/client/store.js";
import { checkpoint, completed, decided, event, ID, opened, queued, taskCompleted, taskStarted } from "./support.js";

/** @import { Crew, ServerFrame } from "../../static/client/protocol.js" */

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { createElement: h } = load("react");
const { renderToString } = load("react-dom/server");

/** @param {ServerFrame[]} frames */
function told(...frames) {
  const state = frames.reduce(reduce, follow(initialState, ID)),
    all = checkpointsOf(state, ID);
  return { status: statusOf(ID, state.executions[ID], all), open: openOf(all) };
}
/** @param {object} [more] @returns {Crew} */
const crew = (more = {}) => ({
  name: "content",
  title: "Content",
  description: "",
  kind: "crew",
  inputs: { properties: { topic: { type: "string" } }, required: ["topic"] },
  checkpoints: [{ name: "after_planning", title: "Plan", task: "plan", place: "after" }],
  tasks: [],
  ...more,
});

test("an execution has the status that the polling front end knows", () => {
  const started = event("execution.started", 2, { worker: "w", attempt: 1 });
  const states = /** @type {[string, ServerFrame[]][]} */ ([
    ["pending", [queued()]],
    ["running", [queued(), started]],
    ["running", [queued(), started, event("execution.paused", 3, {})]],
    ["waiting_feedback", [queued(), started, opened(3)]],
    ["completed", [queued(), started, completed(3)]],
    ["error", [queued(), started, event("execution.failed", 3, { error: { code: "task_failed", message: "No" } })]],
    ["cancelled", [queued(), event("execution.cancelled", 2, {})]],
    ["stopped", [queued(), started, event("execution.stopped", 3, { checkpoint: "cp_1" })]],
  ]);
  for (const [status, frames] of states) assert.equal(told(...frames).status.status, status);
  assert.deepEqual(statusOf(ID, undefined, []), { execution_id: ID, status: "pending", completed_checkpoints: [] });
});

test("the question that waits is named, and those that were answered are counted by id", () => {
  const waiting = told(queued(), taskStarted(2), opened(3));
  assert.equal(waiting.status.current_checkpoint, "cp_1");
  assert.ok(waiting.open);
  assert.deepEqual(infoOf(waiting.open), {
    execution_id: ID,
    checkpoint_id: "cp_1",
    checkpoint_name: "after_planning",
    description: "After planning",
    context: {
      phase: "planning",
      result_preview: "A plan",
      status: "waiting_feedback",
      draft: "A plan",
      content_type: "text/markdown",
      task: "plan",
      agent: null,
      kind: "task.after",
      version: 1,
      actions: ["continue"],
    },
    status: "pending",
    created_at: checkpoint().opened_at,
  });
  const long = infoOf({ ...waiting.open, draft: { text: "x".repeat(900) } }).context;
  assert.deepEqual([long["result_preview"].length, long["draft"].length], [500, 900]);
  const answered = told(queued(), taskStarted(2), opened(3), decided(4)).status;
  assert.deepEqual([answered.current_checkpoint, answered.completed_checkpoints], [undefined, ["cp_1"]]);
});

test("a result carries the output, and each task's; a failure its message", () => {
  const { result } = told(queued(), taskStarted(2), taskCompleted(3, "A plan"), completed(4)).status;
  assert.deepEqual(
    [result.status, result.output, result.task_outputs],
    ["complete", "Done", [{ task: "plan", agent: "Planner", output: "A plan" }]],
  );
  assert.equal(result.token_usage, undefined, "no model was asked");
  const asked = { prompt_tokens: 30, completion_tokens: 10, total_tokens: 40, calls: 2 };
  const ended = event("execution.completed", 2, { output: "Done", tasks: [], usage: asked, seconds: 1, waited: 0 });
  assert.deepEqual(told(queued(), ended).status.result.token_usage, {
    total_tokens: 40,
    prompt_tokens: 30,
    completion_tokens: 10,
    successful_requests: 2,
  });
  const failed = event("execution.failed", 2, { error: { code: "task_failed", message: "No such day" } });
  assert.equal(told(queued(), failed).status.error, "No such day");
});

test("each answer is the first of its meanings that the question offers", () => {
  const of = (/** @type {string[]} */ ...ids) => ({
    ...checkpoint({ actions: ids.map((id) => ({ id, label: id })) }),
    waits: [],
    viewers: [],
  });
  const task = of("approve", "revise", "skip", "stop");
  assert.deepEqual(answerOf("continue", undefined, task), { action: "approve" });
  assert.deepEqual(answerOf("revise", "Shorter", task), { action: "revise", feedback: "Shorter" });
  assert.deepEqual(answerOf("skip", "", task), { action: "skip" });
  assert.deepEqual(answerOf("revise", "No", of("approve", "reject")), { action: "reject", feedback: "No" });
  assert.deepEqual(answerOf("continue", "Two", of("respond")), { action: "respond", response: "Two" });
  assert.deepEqual(answerOf("stop", undefined, of("respond")), { action: "stop" }, "the server says what is offered");
  assert.deepEqual(answerOf("continue", undefined, undefined), { action: "approve" });
});

test("words go to the input that is meant for them, else to the only text that is required", () => {
  const properties = (/** @type {string[]} */ ...names) => Object.fromEntries(names.map((n) => [n, { type: "string" }]));
  assert.deepEqual(inputsOf(crew().inputs, { message: "Kopi" }), { topic: "Kopi" });
  const named = { properties: properties("user_input", "campaign_context", "output_language"), required: ["user_input"] };
  assert.deepEqual(inputsOf(named, { message: "Kopi", campaign_context: "Ramadan", language: "Indonesian" }), {
    user_input: "Kopi",
    campaign_context: "Ramadan",
    output_language: "Indonesian",
  });
  const needy = { properties: properties("user_input", "tone", "language"), required: ["user_input", "tone", "language"] };
  assert.deepEqual(inputsOf(needy, { user_input: "Kopi" }), {
    user_input: "Kopi",
    tone: " ",
    language: "the same language as the user's message",
  });
  assert.deepEqual(inputsOf({}, { message: "Kopi" }), {});
  const several = { properties: properties("a", "b"), required: ["a", "b"] };
  assert.deepEqual(inputsOf(several, { message: "Kopi" }), {}, "nobody can guess: the start says what is missing");
  const loose = { properties: properties("topic"), required: [] };
  assert.deepEqual(inputsOf(loose, { message: "Kopi" }), { topic: "Kopi" });
  assert.deepEqual(inputsOf(named, { message: " " }), {}, "blanks are no words");
});

test("the usual checkpoints are asked for where the crew offers them, others only by name", () => {
  assert.deepEqual(startOf(crew(), { message: "Kopi" }).checkpoints, ["after_planning"]);
  assert.deepEqual(startOf(crew(), { message: "Kopi", checkpoints: ["after_x"] }).checkpoints, ["after_x"]);
});

test("the crew is the one that was named, else the first that can run", () => {
  const crews = [crew({ name: "a", broken: "No key" }), crew({ name: "b" })];
  assert.equal(crewFor(crews, undefined).name, "b");
  assert.equal(crewFor(crews, "a").name, "a");
  assert.throws(() => crewFor(crews, "c"), /no crew named c/);
  assert.throws(() => crewFor([], undefined), /has no crew/);
});

test("the server is where the setting says, else where the page is", () => {
  const page = "https://desk.example/review?x=1#y";
  assert.equal(addressOf(undefined, page), "wss://desk.example/ws");
  assert.equal(addressOf("", page), "wss://desk.example/ws");
  assert.equal(addressOf("http://127.0.0.1:8000", page), "ws://127.0.0.1:8000/ws");
  assert.equal(addressOf("https://host/desk/", page), "wss://host/desk/ws");
  assert.equal(addressOf("https://host/ws", page), "wss://host/ws");
  assert.equal(addressOf("ws://host/socket", page), "ws://host/socket");
  assert.throws(() => addressOf(undefined, undefined), /NEXT_PUBLIC_QUARTERDECK_URL/);
});

test("rendered on a server, without a provider, the hook waits for nothing and the card shows what is asked", () => {
  const Page = () => {
    const flow = useHITLWorkflow();
    return h("p", null, JSON.stringify([flow.executionId, flow.status, flow.checkpoint, flow.loading, flow.error]));
  };
  assert.equal(renderToString(h(Page)), "<p>[null,null,null,false,null]</p>");
  const { open } = told(queued(), opened(2));
  assert.ok(open);
  const card = renderToString(h(CheckpointApproval, { checkpoint: infoOf(open), onSubmit: () => {}, loading: false }));
  assert.match(card, /A plan/);
  assert.deepEqual([...card.matchAll(/>(\w+)<\/button>/g)].map(([, label]) => label), ["Continue"]);
  const bare = { ...infoOf(open), context: { result_preview: "A plan" } };
  const all = renderToString(h(CheckpointApproval, { checkpoint: bare, onSubmit: () => {}, loading: false }));
  assert.deepEqual([...all.matchAll(/>(\w+)<\/button>/g)].map(([, label]) => label), ["Continue", "Revise", "Skip", "Stop"]);
});
