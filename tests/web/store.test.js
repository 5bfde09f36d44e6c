import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, initialState, mayGive, offer, reduce } from "../../static/client/store.js";
import {
  checkpoint,
  completed,
  decided,
  delta,
  event,
  ID,
  opened,
  queued,
  synced,
  taskCompleted,
  taskStarted,
} from "./support.js";

/** @import { ServerFrame } from "../../static/client/protocol.js" */

/** @param {ServerFrame[]} frames */
const after = (...frames) => frames.reduce(reduce, follow(initialState, ID));
/** @param {ReturnType<typeof after>} state */
const run = (state) => {
  const found = state.executions[ID];
  assert.ok(found);
  return found;
};

test("a log becomes a run with its thread in the order of the log", () => {
  const state = after(
    queued(),
    event("execution.started", 2, { worker: "w", attempt: 1 }),
    taskStarted(3),
    opened(4),
    decided(5, { action: "revise", feedback: "Shorter" }),
    taskStarted(6, 2),
    opened(7, { version: 2, draft: { text: "Short" } }),
    decided(8, { version: 2 }, { by: { id: "u", name: "Rara" } }),
    taskCompleted(9, "Short"),
    completed(10),
  );
  assert.deepEqual(
    run(state).items.map((i) => [i.kind, i.offset]),
    [
      ["task", 3],
      ["question", 4],
      ["decision", 5],
      ["task", 6],
      ["question", 7],
      ["decision", 8],
    ],
  );
  assert.deepEqual(
    run(state)
      .items.filter((i) => i.kind === "task")
      .map((i) => i.text),
    ["A plan", "Short"],
  );
  assert.equal(run(state).state, "completed");
  assert.equal(run(state).output, "Done");
  assert.equal(run(state).usage.total_tokens, 40);
  assert.equal(state.checkpoints["cp_1"]?.decision?.by?.name, "Rara");
});

test("a duplicate changes nothing, not even the identity of the state", () => {
  const state = after(queued(), taskStarted(2));
  assert.equal(reduce(state, taskStarted(2)), state);
  assert.equal(reduce(state, queued()), state);
});

test("an event that runs ahead of a live log is reported as missing, and the repair clears it", () => {
  const live = after(queued(), synced(1)),
    gap = reduce(live, taskCompleted(3, "Text"));
  assert.deepEqual(run(gap).missing, { from: 2, to: 3 });
  assert.equal(run(gap).offset, 1);
  const whole = [taskStarted(2), taskCompleted(3, "Text")].reduce(reduce, follow(gap, ID));
  assert.equal(run(whole).missing, undefined);
  assert.equal(run(whole).offset, 3);
});

test("while catching up, what runs ahead is left to the replay; synced tells whether all came", () => {
  const catching = after(queued(), taskCompleted(3, "early"));
  assert.equal(run(catching).missing, undefined);
  assert.deepEqual(run(reduce(catching, synced(3))).missing, { from: 2, to: 3 });
});

test("another epoch is another log: offset 1 starts over, anything else is missing", () => {
  const live = after(queued(), taskStarted(2), synced(2));
  assert.deepEqual(run(reduce(live, { ...taskStarted(2), epoch: "e2" })).missing, { from: 3, to: 2 });
  const fresh = reduce(live, { ...queued(), epoch: "e2" });
  assert.equal(run(fresh).epoch, "e2");
  assert.deepEqual(run(fresh).items, []);
});

test("streamed text is shown until the event with the whole text comes", () => {
  const streaming = after(queued(), taskStarted(2), delta(0, "A "), delta(1, "pl"), delta(1, "pl"));
  assert.deepEqual(
    Object.values(run(streaming).streams).map((s) => [s.text, s.holed]),
    [["A pl", false]],
  );
  const done = reduce(streaming, taskCompleted(3, "A plan"));
  assert.deepEqual(run(done).streams, {});
  assert.deepEqual(run(reduce(done, delta(2, "an"))).streams, {}, "a late delta brings nothing back");
});

test("a stream that was joined late says so; the next call of the task takes its place", () => {
  const state = after(queued(), taskStarted(2), delta(4, "tail"));
  assert.equal(run(state).streams["s1"]?.holed, true);
  assert.deepEqual(Object.keys(run(reduce(state, delta(0, "New", "s2"))).streams), ["s2"]);
});

test("an execution waits while a checkpoint is open, and an end withdraws it", () => {
  const waiting = after(queued(), taskStarted(2), opened(3));
  assert.equal(run(waiting).state, "waiting");
  assert.equal(run(reduce(waiting, decided(4))).state, "running");
  const cancelled = reduce(waiting, event("execution.cancelled", 4, {}));
  assert.equal(cancelled.checkpoints["cp_1"]?.state, "withdrawn");
  assert.equal(run(cancelled).state, "cancelled");
});

test("a replayed older version never replaces the draft on offer", () => {
  const offered = offer(follow(initialState, ID), [checkpoint({ version: 2, draft: { text: "Second" } })]);
  const replayed = [queued(), taskStarted(2), opened(3), decided(4, { action: "revise" })].reduce(reduce, offered);
  assert.equal(replayed.checkpoints["cp_1"]?.draft.text, "Second");
  assert.equal(replayed.checkpoints["cp_1"]?.state, "open");
});

test("time is told apart: the crew's and the people's", () => {
  const state = after(queued(), taskStarted(2), opened(3), decided(4), taskCompleted(5, "A plan"));
  const at = (/** @type {number} */ offset) => 1_800_000_000_000 + offset * 1000;
  assert.deepEqual(run(state).tasks[0]?.work, [{ from: at(2), to: at(3) }]);
  assert.deepEqual(state.checkpoints["cp_1"]?.waits, [{ from: at(3), to: at(4) }]);
});

test("a question in the middle of a task stops its clock, and the answer starts it again", () => {
  const state = after(queued(), taskStarted(2), opened(3, { kind: "tool" }), decided(4));
  assert.equal(run(state).tasks[0]?.work.length, 2);
  assert.equal(run(state).tasks[0]?.work.at(-1)?.to, undefined);
});

test("a snapshot stands in for a log, and keeps what the thread knew", () => {
  const known = after(queued(), taskStarted(2), opened(3), decided(4, { action: "revise" }));
  const execution = /** @type {any} */ ({
    id: ID,
    crew: "content",
    title: "Kopi",
    state: "waiting",
    inputs: {},
    checkpoints: [],
    created_at: queued().at,
    epoch: "e1",
    offset: 9,
    attempt: 1,
    progress: {},
    tasks: [{ name: "plan", index: 0, state: "running", round: 2, started_at: taskStarted(5).at }],
    usage: { total_tokens: 7 },
    waited: 2,
  });
  const state = reduce(known, {
    type: "snapshot",
    execution,
    checkpoints: [checkpoint({ version: 2, opened_at: taskStarted(8).at })],
    epoch: "e1",
    offset: 9,
  });
  assert.deepEqual(
    run(state).items.map((i) => i.key),
    ["task:plan:1", "question:cp_1:1", "decision:4", "task:plan:2", "question:cp_1:2"],
  );
  assert.equal(run(state).offset, 9);
  assert.equal(state.checkpoints["cp_1"]?.version, 2);
  assert.equal(reduce(state, taskStarted(5, 2)), state);
});

test("the inbox keeps headlines of executions that are not watched, and closes what is no longer on the list", () => {
  const state = [queued(), opened(4)].reduce(reduce, initialState);
  assert.equal(state.summaries[ID]?.state, "waiting");
  assert.equal(state.executions[ID], undefined);
  assert.equal(offer(state, [], true).checkpoints["cp_1"]?.state, "withdrawn");
});

test("frames of a newer server are passed over", () => {
  const state = after(queued());
  assert.equal(reduce(state, /** @type {any} */ ({ type: "novelty" })), state);
  assert.equal(run(reduce(state, event("task.applauded", 2, {}))).offset, 2);
});

test("what a person may do is what the server says they may, and for owners more", () => {
  const [any, own] = [["list", "start"], ["cancel", "decide"]];
  const welcome = /** @type {ServerFrame} */ (/** @type {unknown} */ ({ type: "welcome", auth: "done", principal: { id: "oka", name: "Oka" }, rights: { any, own } }));
  const of = (/** @type {string} */ id) => reduce(after({ ...queued(), by: { id, name: id } }), welcome);
  const said = (/** @type {ReturnType<typeof after>} */ state) => ["start", "cancel", "fork"].map((command) => mayGive(state, command, ID));
  assert.deepEqual(said(of("oka")), [true, true, false]);
  assert.deepEqual(said(of("rara")), [true, false, false]);
  assert.deepEqual(said(reduce(initialState, welcome)), [true, true, false], "whose it is will be known");
  assert.deepEqual(said(initialState), [true, true, true], "nobody is asked who they are");
});
