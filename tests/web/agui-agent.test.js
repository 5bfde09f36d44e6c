/** The agent of AG-UI over a socket whose other end is the test. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { QuarterdeckAgent } from "../../static/adapters/ag-ui/index.js";
import { checkpoint, completed, decided, delta, EPOCH, ID, latest, makeClient, opened, queued, settle, synced, taskStarted } from "./support.js";

const crew = { name: "content", inputs: { properties: { topic: { type: "string" } }, required: ["topic"] } };
const yes = [{ interruptId: "cp_1", status: /** @type {const} */ ("resolved"), payload: { approved: true } }];
const execution = (/** @type {object} */ more = {}) => ({
  id: ID,
  crew: "content",
  title: "Kopi",
  state: "running",
  inputs: {},
  checkpoints: [],
  created_at: "",
  epoch: EPOCH,
  offset: 1,
  attempt: 1,
  progress: {},
  tasks: [{ name: "plan", index: 0, state: "pending" }],
  usage: {},
  waited: 0,
  ...more,
});
const waiting = () => execution({ state: "waiting", offset: 3 });

/** @type {(() => void)[]} */ const releases = [];
afterEach(() => releases.splice(0).forEach((release) => release()));

/** An agent on an open connection, and what it told. */
function makeAgent() {
  const client = makeClient(),
    agent = new QuarterdeckAgent({ crew: "content", client, threadId: "t1" });
  releases.push(client.hold());
  latest().greet();
  /** @type {any[]} */ const told = [];
  agent.subscribe({ onEvent: ({ event }) => void told.push(event) });
  return { agent, client, told, kinds: () => told.map((event) => event.type) };
}

/** Answers the commands of a type, once it is there. @param {string} type @param {object} data */
async function answer(type, data) {
  await settle();
  latest().reply(type, data);
  await settle();
}

/** Answers what a run asks first: which execution its thread has. @param {object} [known] @param {object[]} [checkpoints] */
async function find(known, checkpoints = []) {
  await answer("list", { items: known ? [known] : [] });
  if (known) await answer("get", { execution: known, checkpoints });
}

/** Starts an execution with the user's words, up to where it runs. @param {ReturnType<typeof makeAgent>} one */
async function begin({ agent }) {
  agent.addMessage({ id: "m1", role: "user", content: "Tea" });
  const run = agent.runAgent({ runId: "r1", forwardedProps: { checkpoints: ["after_planning"] } });
  await find();
  await answer("list", { items: [crew] });
  const { type, id, ...start } = latest().of("start")[0];
  assert.deepEqual(start, {
    crew: "content",
    inputs: { topic: "Tea" },
    checkpoints: ["after_planning"],
    conversation: "t1",
    key: "ag-ui:t1:r1",
  });
  await answer("start", { execution: ID, epoch: EPOCH, offset: 1 });
  latest().push(queued());
  await answer("get", { execution: execution(), checkpoints: [] });
  return { run };
}

test("a run from the user's words to the first question, which is an interrupt", async () => {
  const one = makeAgent(),
    { run } = await begin(one);
  latest().push(taskStarted(2), synced(2), delta(0, "A "), delta(1, "plan"), opened(3));
  const { newMessages } = await run;
  assert.deepEqual(one.kinds(), [
    "RUN_STARTED",
    "STEP_STARTED",
    "TEXT_MESSAGE_START",
    "TEXT_MESSAGE_CONTENT",
    "TEXT_MESSAGE_CONTENT",
    "TEXT_MESSAGE_END",
    "STEP_FINISHED",
    "STATE_SNAPSHOT",
    "MESSAGES_SNAPSHOT",
    "RUN_FINISHED",
  ]);
  assert.deepEqual(
    newMessages.map((message) => message.content),
    ["A plan"],
  );
  assert.deepEqual(
    one.agent.pendingInterrupts.map(({ id, reason }) => [id, reason]),
    [["cp_1", "quarterdeck:task.after"]],
  );
});

test("an answer is a decision, and the run goes on to the result over a lost connection, each event once", async () => {
  const one = makeAgent();
  const run = one.agent.runAgent({ runId: "r0" });
  await find(waiting(), [checkpoint()]);
  await run;
  const next = one.agent.runAgent({ runId: "r2", resume: yes });
  await find(waiting(), [checkpoint()]);
  const { type, id, ...decision } = latest().of("decide")[0];
  assert.deepEqual(decision, { execution: ID, checkpoint: "cp_1", action: "approve", version: 1, key: "ag-ui:r2:cp_1" });
  await answer("decide", { offset: 4, state: "running" });
  latest().push(...[queued(), taskStarted(2), opened(3), decided(4)]);
  one.client.retryNow();
  latest().drop(4200);
  await new Promise((resolve) => setTimeout(resolve, 20));
  latest().greet();
  await settle();
  assert.deepEqual(latest().of("watch")[0].after, { epoch: EPOCH, offset: 4 });
  latest().push(decided(4), completed(5));
  assert.equal((await next).result.output, "Done");
  assert.equal(one.kinds().filter((kind) => kind === "CUSTOM").length, 1);
  assert.deepEqual(one.agent.pendingInterrupts, []);
});

test("a cancel decides nothing, and the question is offered again", async () => {
  const one = makeAgent();
  for (const resume of [undefined, [{ interruptId: "cp_1", status: /** @type {const} */ ("cancelled") }]]) {
    const run = one.agent.runAgent({ ...(resume && { resume }) });
    await find(waiting(), [checkpoint()]);
    await run;
  }
  assert.deepEqual(latest().of("decide"), []);
  assert.deepEqual(
    one.told.filter((event) => event.type === "RUN_FINISHED").map((event) => event.outcome.type),
    ["interrupt", "cancelled"],
  );
});

test("who is slower is told who was faster, and what comes next", async () => {
  const one = makeAgent();
  const run = one.agent.runAgent({ resume: yes });
  await find(waiting(), [checkpoint()]);
  const detail = { by: { id: "u", name: "Rara" }, action: "stop" };
  const re = latest().of("decide")[0].id;
  latest().push({ type: "error", re, code: "already_decided", message: "Rara decided first", retry: false, detail });
  await answer("get", { execution: execution({ state: "stopped", offset: 5 }), checkpoints: [] });
  await run;
  const lost = one.told.find((event) => event.type === "CUSTOM");
  assert.equal(lost.name, "decision.lost");
  assert.deepEqual(lost.value, { interruptId: "cp_1", code: "already_decided", message: "Rara decided first", ...detail });
  assert.deepEqual(one.told.at(-1).outcome, { type: "cancelled" });
});

test("what is refused fails the run before it begins", async (t) => {
  t.mock.method(console, "error", () => {});
  const one = makeAgent();
  const run = assert.rejects(one.agent.runAgent(), { code: "unknown_crew" });
  await find();
  await answer("list", { items: [] });
  const re = latest().of("start")[0].id;
  latest().push({ type: "error", re, code: "unknown_crew", message: "No crew", retry: false });
  await run;
  const nonsense = [{ interruptId: "cp_1", status: /** @type {const} */ ("resolved"), payload: { feedback: "hm" } }];
  const again = assert.rejects(one.agent.runAgent({ resume: nonsense }), { code: "bad_field" });
  await find(waiting(), [checkpoint()]);
  await again;
  assert.deepEqual(one.kinds(), []);
});

test("a server that does not want this client back ends the run", async (t) => {
  t.mock.method(console, "error", () => {});
  const one = makeAgent(),
    { run } = await begin(one);
  latest().drop(4003);
  await assert.rejects(run, { code: "disconnected" });
});

test("to abort is to listen no longer: nothing is sent but that nobody watches", async () => {
  const one = makeAgent(),
    { run } = await begin(one);
  one.agent.abortRun();
  await run;
  await settle();
  assert.deepEqual(
    latest().sent.map((command) => command.type),
    ["list", "list", "start", "get", "unwatch"],
  );
  assert.equal(one.agent.isRunning, false);
});

test("attaching starts nothing; a copy of an agent has its own run", async () => {
  const one = makeAgent(),
    copy = one.agent.clone();
  assert.ok(copy instanceof QuarterdeckAgent);
  assert.notEqual(copy.ends, one.agent.ends);
  const run = copy.connectAgent();
  await find();
  await run;
  const again = copy.connectAgent();
  await find(execution({ state: "completed", output: "Done", offset: 9 }));
  assert.deepEqual((await again).result, { output: "Done" });
  assert.deepEqual(latest().of("start"), []);
  assert.equal((await one.agent.getCapabilities()).transport?.websocket, true);
});
