import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { CommandError } from "../../static/client/index.js";
import { pauseAfter } from "../../static/client/socket.js";
import {
  checkpoint,
  decided,
  delta,
  EPOCH,
  FakeSocket,
  ID,
  latest,
  makeClient,
  opened,
  queued,
  settle,
  synced,
  taskCompleted,
  taskStarted,
} from "./support.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_800_000_000_000 }));
afterEach(() => mock.timers.reset());

/** A client that watches the execution and is live after `queued` and `task.started`. */
function live() {
  const client = makeClient();
  client.hold();
  latest().greet();
  const release = client.watch(ID);
  latest().push(queued(), taskStarted(2), synced(2));
  return { client, release };
}
const offsetOf = (/** @type {ReturnType<typeof makeClient>} */ client) => client.getState().executions[ID]?.offset;

test("whoever listens is told each frame of a type, streamed text too, or all of them in order", () => {
  const { client } = live();
  /** @type {string[]} */ const texts = [],
    kinds = /** @type {string[]} */ ([]);
  const stops = [
    client.on("delta", (frame) => void texts.push(frame.text)),
    client.on("*", (frame) => void kinds.push(frame.type)),
  ];
  latest().push(delta(0, "A "), delta(1, "plan"), taskCompleted(3, "A plan"));
  for (const stop of stops) stop();
  latest().push(delta(0, "More", "s2"));
  assert.deepEqual(texts, ["A ", "plan"]);
  assert.deepEqual(kinds, ["delta", "delta", "task.completed"]);
});

test("holding is counted: one socket, closed when the last holder lets go, kept over a remount", async () => {
  const client = makeClient();
  const first = client.hold(),
    second = client.hold();
  latest().greet();
  assert.equal(FakeSocket.all.length, 1);
  assert.deepEqual(latest().protocols, ["quarterdeck.v1.json"]);
  first();
  first();
  await settle();
  assert.equal(client.getConnection().phase, "open");
  second();
  const third = client.hold();
  await settle();
  assert.equal(FakeSocket.all.length, 1);
  third();
  await settle();
  assert.equal(client.getConnection().phase, "idle");
  assert.equal(latest().readyState, 3);
});

test("nothing is sent before the welcome; then what is watched is asked for from the start", () => {
  const client = makeClient();
  client.watch(ID);
  client.hold();
  assert.deepEqual(latest().sent, []);
  latest().greet();
  assert.deepEqual(
    latest()
      .of("watch")
      .map((c) => [c.execution, c.after]),
    [[ID, "start"]],
  );
});

test("after a lost connection it resumes where it was, and duplicates change nothing", () => {
  const { client } = live();
  latest().drop();
  assert.equal(client.getConnection().phase, "waiting");
  mock.timers.tick(250);
  latest().greet();
  assert.deepEqual(latest().of("watch")[0].after, { epoch: EPOCH, offset: 2 });
  const before = client.getState().executions[ID];
  latest().push(taskStarted(2));
  assert.equal(client.getState().executions[ID], before);
});

test("a gap is repaired by watching again from the last good event", () => {
  const { client } = live();
  latest().push(opened(4));
  mock.timers.tick(0);
  assert.deepEqual(latest().of("watch").at(-1).after, { epoch: EPOCH, offset: 2 });
  latest().push(taskCompleted(3, "Text"), opened(4), synced(4));
  assert.equal(offsetOf(client), 4);
  assert.equal(client.getState().executions[ID]?.missing, undefined);
  assert.equal(latest().of("watch").length, 2);
});

test("a gap that stays is asked for more and more slowly", () => {
  live();
  latest().push(opened(4));
  mock.timers.tick(0);
  latest().push(synced(4));
  assert.equal(latest().of("watch").length, 2);
  mock.timers.tick(499);
  assert.equal(latest().of("watch").length, 2);
  mock.timers.tick(1);
  assert.equal(latest().of("watch").length, 3);
});

test("a decision waits for a connection and is repeated after a reconnect with the same id and key", async () => {
  const { client } = live();
  const done = client.decide({ execution: ID, checkpoint: "cp_1", action: "approve", version: 1 });
  const first = latest().of("decide")[0];
  latest().drop();
  mock.timers.tick(250);
  latest().greet();
  assert.deepEqual(latest().of("decide")[0], first);
  assert.match(first.key, /^[0-9a-f]{32}$/);
  latest().reply("decide", { offset: 5, state: "running" });
  assert.deepEqual(await done, { offset: 5, state: "running" });
});

test("each answer goes to its own command, and a refusal carries the server's words", async () => {
  const { client } = live();
  const one = client.decide({ execution: ID, checkpoint: "cp_1", action: "approve" }),
    two = client.decide({ execution: ID, checkpoint: "cp_1", action: "skip" });
  const [a, b] = latest().of("decide");
  latest().push(
    {
      type: "error",
      re: b.id,
      code: "already_decided",
      message: "Decided",
      retry: false,
      detail: { by: { id: "u", name: "Rara" } },
    },
    { type: "reply", re: a.id, data: { offset: 4 } },
  );
  assert.deepEqual(await one, { offset: 4 });
  await assert.rejects(
    two,
    (e) =>
      e instanceof CommandError && e.code === "already_decided" && /** @type {any} */ (e.detail["by"]).name === "Rara",
  );
});

test("a command ends by its signal or its limit, never hangs", async () => {
  const { client } = live();
  const control = new AbortController();
  const aborted = client.decide({ execution: ID, checkpoint: "cp_1", action: "skip" }, { signal: control.signal });
  control.abort(new Error("changed my mind"));
  await assert.rejects(aborted, /changed my mind/);
  const late = client.cancel(ID, undefined, { timeout: 100 });
  mock.timers.tick(100);
  await assert.rejects(late, (e) => e instanceof CommandError && e.code === "timeout");
});

test("bye names the pause; without resume the client stays away until told", () => {
  const { client } = live();
  latest().push({ type: "bye", code: 4200, reason: "draining", after: 2, resume: true });
  latest().drop(4200);
  mock.timers.tick(1999);
  assert.equal(FakeSocket.all.length, 1);
  mock.timers.tick(1);
  assert.equal(FakeSocket.all.length, 2);
  latest().greet();
  latest().push({ type: "bye", code: 4009, reason: "closed_by_admin", after: 0, resume: false });
  latest().drop(1006);
  assert.deepEqual([client.getConnection().phase, client.getConnection().reason], ["closed", "closed_by_admin"]);
  client.retryNow();
  assert.equal(client.getConnection().phase, "connecting");
});

test("close codes say whether and when to come back", () => {
  const o = { attempt: 3, min: 500, max: 30_000, random: () => 0.5 };
  assert.equal(pauseAfter(4003, undefined, o), undefined);
  assert.equal(pauseAfter(4113, undefined, o), 2500);
  assert.equal(pauseAfter(1006, undefined, o), 2000);
  assert.equal(pauseAfter(1006, undefined, { ...o, attempt: 20 }), 15_000);
  assert.equal(pauseAfter(4200, undefined, { ...o, attempt: 0 }), 0);
  assert.equal(pauseAfter(4200, undefined, o), 2000, "a server that drains for ever is not hammered");
});

test("a ping is answered, and silence over two and a half heartbeats is a lost connection", () => {
  const { client } = live();
  latest().push({ type: "ping", at: "2026-11-23T08:00:00.000Z" });
  assert.equal(latest().of("pong").length, 1);
  mock.timers.tick(49_999);
  assert.equal(client.getConnection().phase, "open");
  mock.timers.tick(1);
  assert.deepEqual([client.getConnection().phase, client.getConnection().code], ["waiting", 4110]);
});

test("streamed text is put in once per frame, and always before the event that follows it", () => {
  const { client } = live();
  let renders = 0;
  client.subscribe(() => {
    renders += 1;
  });
  latest().push(delta(0, "One "), delta(1, "two "), delta(2, "three"));
  assert.equal(renders, 0);
  mock.timers.tick(16);
  assert.equal(renders, 1);
  assert.equal(client.getState().executions[ID]?.streams["s1"]?.text, "One two three");
  latest().push(delta(3, " four"), taskCompleted(3, "One two three four"));
  assert.deepEqual(client.getState().executions[ID]?.streams, {});
});

test("time is the server's", () => {
  const client = makeClient();
  client.hold();
  latest().greet({ server_time: new Date(Date.now() + 90_000).toISOString() });
  assert.equal(client.now() - Date.now(), 90_000);
});

test("a server that asks who you are gets the token in the first message, and nothing else before", async () => {
  const client = makeClient({ token: async () => "secret" });
  client.watch(ID);
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  assert.deepEqual(
    latest().sent.map((c) => [c.type, c.token]),
    [["auth", "secret"]],
  );
  latest().reply("auth", { principal: { id: "u" } });
  await settle();
  assert.equal(client.getConnection().phase, "open");
  assert.equal(latest().of("watch").length, 1);
  assert.ok(!latest().url.includes("secret"));
});

test("a refused token is final, and says why", async () => {
  const client = makeClient({ token: () => "wrong" });
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  latest().push({
    type: "error",
    re: latest().of("auth")[0].id,
    code: "unauthenticated",
    message: "Unknown token",
    retry: false,
  });
  await settle();
  assert.deepEqual([client.getConnection().phase, client.getConnection().reason], ["closed", "Unknown token"]);
});

test("a connection that ends before it said who we are leaves nothing behind", async (t) => {
  const client = makeClient({ token: () => "secret", backoff: { min: 0, max: 0 } });
  client.hold();
  await settle();
  /** @type {Set<unknown>} */ const held = new Set();
  const { add, delete: remove } = Set.prototype;
  t.mock.method(Set.prototype, "add", /** @this {Set<unknown>} @param {unknown} f */ function (f) {
    if (typeof f === "function") add.call(held, f);
    return add.call(this, f);
  });
  t.mock.method(Set.prototype, "delete", /** @this {Set<unknown>} @param {unknown} f */ function (f) {
    remove.call(held, f);
    return remove.call(this, f);
  });
  latest().greet({ auth: "required" });
  await settle();
  assert.equal(latest().of("auth").length, 1);
  assert.notEqual(held.size, 0, "an answer is waited for");
  latest().drop();
  assert.equal(held.size, 0);
});

test("what was said on an earlier connection opens no later one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {((secret: string) => void)[]} */ const asked = [];
  const client = makeClient({ token: () => new Promise((resolve) => asked.push(resolve)) });
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  latest().drop();
  t.mock.timers.tick(60_000);
  latest().greet({ auth: "required" });
  await settle();
  assert.equal(asked.length, 2);
  asked[0]?.("late");
  await settle();
  assert.deepEqual(latest().of("auth"), [], "the secret was asked for again, and that is the one to tell");
  asked[1]?.("secret");
  await settle();
  const { id } = latest().of("auth")[0];
  latest().drop();
  t.mock.timers.tick(60_000);
  latest().greet({ auth: "required" });
  latest().push({ type: "reply", re: id, data: {} });
  await settle();
  assert.equal(client.getConnection().phase, "connecting");
});

test("a token that cannot be had for a connection that is gone closes none that came after it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {((e: Error) => void)[]} */ const asked = [];
  const client = makeClient({ token: () => new Promise((_, reject) => asked.push(reject)) });
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  latest().drop();
  t.mock.timers.tick(60_000);
  latest().greet({ auth: "required" });
  const second = latest();
  await settle();
  asked[0]?.(new Error("timed out"));
  await settle();
  assert.equal(second.readyState, 1);
});

test("a connection that is cut before the lists came says nothing of what there is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = makeClient();
  client.hold();
  client.inbox();
  latest().greet();
  latest().drop();
  await settle();
  assert.ok(!("older" in client.getState()), "nobody knows yet what is listed");
  t.mock.timers.tick(60_000);
  latest().greet();
  latest().push({ type: "reply", re: latest().of("watch")[0].id, data: { checkpoints: [] } });
  const [executions, crews] = latest().of("list");
  latest().push({ type: "reply", re: executions.id, data: { items: [], next: "cursor" } }, { type: "reply", re: crews.id, data: { items: [] } });
  await settle();
  assert.equal(client.getState().older, "cursor");
});

test("the inbox brings what waits, the runs and the crews; each connection asks afresh", async () => {
  const client = makeClient();
  client.hold();
  client.inbox();
  latest().greet();
  const [watch] = latest().of("watch"),
    [executions, crews] = latest().of("list");
  assert.equal(watch.inbox, true);
  latest().push(
    { type: "reply", re: watch.id, data: { checkpoints: [checkpoint()] } },
    { type: "reply", re: executions.id, data: { items: [] } },
    { type: "reply", re: crews.id, data: { items: [{ name: "content" }] } },
  );
  await settle();
  assert.equal(client.getState().checkpoints["cp_1"]?.state, "open");
  assert.equal(client.getState().crews[0]?.name, "content");
  latest().drop();
  mock.timers.tick(250);
  latest().greet();
  assert.equal(latest().of("watch")[0].inbox, true);
});

test("every watch offers the open checkpoints again", async () => {
  const { client } = live();
  latest().reply("watch", { checkpoints: [checkpoint({ id: "cp_9" })] });
  await settle();
  assert.equal(client.getState().checkpoints["cp_9"]?.state, "open");
  latest().push(opened(3), decided(4));
  assert.equal(client.getState().checkpoints["cp_1"]?.state, "decided");
});

test("an execution that cannot be watched says so", async () => {
  const client = makeClient();
  client.hold();
  latest().greet();
  client.watch("x_gone");
  latest().push({
    type: "error",
    re: latest().of("watch")[0].id,
    code: "not_found",
    message: "There is no such execution",
    retry: false,
  });
  await settle();
  assert.equal(client.getState().refused["x_gone"]?.code, "not_found");
});

test("an execution that is gone says so, and asks nothing more", () => {
  const { client } = live();
  latest().push(opened(3), {
    type: "error",
    code: "not_found",
    message: "The execution is gone.",
    retry: false,
    detail: { execution: ID },
  });
  assert.equal(client.getState().refused[ID]?.message, "The execution is gone.");
  assert.equal(client.getState().checkpoints["cp_1"]?.state, "withdrawn");
});

test("letting go of the last watch tells the server, and what is known stays", async () => {
  const { client, release } = live();
  release();
  await settle();
  assert.equal(latest().of("unwatch")[0].execution, ID);
  assert.equal(offsetOf(client), 2);
});

test("a start is watched from its first word", async () => {
  const client = makeClient();
  client.hold();
  latest().greet();
  const started = client.start({ crew: "content" });
  latest().reply("start", { execution: ID, epoch: EPOCH, offset: 1 });
  assert.equal((await started).execution, ID);
  client.watch(ID);
  latest().push(queued(), taskStarted(2), synced(2), delta(0, "First"));
  mock.timers.tick(16);
  assert.equal(latest().of("watch").length, 0, "the start watches already");
  assert.equal(client.getState().executions[ID]?.streams["s1"]?.text, "First");
});

test("a start is watched from its first word also where all frames come at once", async () => {
  const client = makeClient();
  client.hold();
  latest().greet();
  client.start({ crew: "content" });
  const reply = { type: "reply", re: latest().of("start")[0].id, data: { execution: ID, epoch: EPOCH, offset: 1 } };
  latest().push(reply, queued(), taskStarted(2), synced(2), delta(0, "First"));
  mock.timers.tick(16);
  assert.equal(client.getState().executions[ID]?.streams["s1"]?.text, "First");
});

test("a log whose beginning was missed is asked for from its start", () => {
  const client = makeClient();
  client.hold();
  latest().greet();
  client.watch(ID);
  latest().push(taskStarted(2), synced(2));
  mock.timers.tick(0);
  assert.deepEqual(
    latest()
      .of("watch")
      .map((c) => c.after),
    ["start", "start"],
  );
  latest().push(queued(), taskStarted(2), synced(2));
  assert.equal(offsetOf(client), 2);
});

test("a message that cannot be read ends the connection, not the page", () => {
  const { client } = live();
  latest().onmessage({ data: "{" });
  assert.equal(client.getConnection().phase, "waiting");
});
