/** The connection of a client: held, greeted, let in, lost, and found again. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { pauseAfter } from "../../static/client/socket.js";
import { EPOCH, FakeSocket, ID, latest, live, makeClient, queued, settle, stopClock, synced, taskStarted } from "./support.js";

stopClock();

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

test("who comes after somebody else sees nothing of theirs, and says nothing in their place", async () => {
  let person = "rara";
  const client = makeClient({ token: () => person });
  const come = async () => {
    latest().greet({ auth: "required" });
    await settle();
    latest().reply("auth", { principal: { id: person } });
    await settle();
  };
  client.watch(ID);
  client.hold();
  await come();
  latest().push(queued(), taskStarted(2), synced(2));
  await settle();
  const decision = client.decide({ execution: ID, checkpoint: "cp_1", version: 1, action: "approve" });
  latest().drop();
  mock.timers.tick(250);
  await come();
  assert.equal(latest().of("decide").length, 1, "the same person's is said again");
  assert.deepEqual(latest().of("watch")[0].after, { epoch: EPOCH, offset: 2 });
  latest().drop(4003);
  person = "oka";
  client.retryNow();
  const refusal = assert.rejects(decision, { code: "unauthenticated" });
  await come();
  await refusal;
  assert.deepEqual(latest().of("decide"), []);
  assert.equal(latest().of("watch")[0].after, "start");
  assert.deepEqual([client.getState().executions, client.getState().self.person?.id], [{}, "oka"]);
});

/** Loses the connection; the next one asks who we are. */
function comeBack() {
  latest().drop();
  mock.timers.tick(60_000);
  latest().greet({ auth: "required" });
}

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

test("what was said on an earlier connection opens no later one", async () => {
  /** @type {((secret: string) => void)[]} */ const asked = [];
  const client = makeClient({ token: () => new Promise((resolve) => asked.push(resolve)) });
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  comeBack();
  await settle();
  assert.equal(asked.length, 2);
  asked[0]?.("late");
  await settle();
  assert.deepEqual(latest().of("auth"), [], "the secret was asked for again, and that is the one to tell");
  asked[1]?.("secret");
  await settle();
  const { id } = latest().of("auth")[0];
  comeBack();
  latest().push({ type: "reply", re: id, data: {} });
  await settle();
  assert.equal(client.getConnection().phase, "connecting");
});

test("a token that cannot be had for a connection that is gone closes none that came after it", async () => {
  /** @type {((e: Error) => void)[]} */ const asked = [];
  const client = makeClient({ token: () => new Promise((_, reject) => asked.push(reject)) });
  client.hold();
  latest().greet({ auth: "required" });
  await settle();
  comeBack();
  const second = latest();
  await settle();
  asked[0]?.(new Error("timed out"));
  await settle();
  assert.equal(second.readyState, 1);
});

test("a connection that is cut before the lists came says nothing of what there is", async () => {
  const client = makeClient();
  client.hold();
  client.inbox();
  latest().greet();
  latest().drop();
  await settle();
  assert.ok(!("older" in client.getState()), "nobody knows yet what is listed");
  mock.timers.tick(60_000);
  latest().greet();
  latest().push({ type: "reply", re: latest().of("watch")[0].id, data: { checkpoints: [] } });
  const [executions, crews] = latest().of("list");
  latest().push({ type: "reply", re: executions.id, data: { items: [], next: "cursor" } }, { type: "reply", re: crews.id, data: { items: [] } });
  await settle();
  assert.equal(client.getState().older, "cursor");
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

test("a message that cannot be read ends the connection, not the page", () => {
  const { client } = live();
  latest().onmessage({ data: "{" });
  assert.equal(client.getConnection().phase, "waiting");
});

test("time is the server's", () => {
  const client = makeClient();
  client.hold();
  latest().greet({ server_time: new Date(Date.now() + 90_000).toISOString() });
  assert.equal(client.now() - Date.now(), 90_000);
});
