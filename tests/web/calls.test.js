import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { CommandError, createClient } from "../../static/client/index.js";
import { completed, connected, delta, EPOCH, event, FakeSocket, ID, latest, makeClient, queued, said, stopClock, synced } from "./support.js";

stopClock();

const answer = { execution: ID, checkpoint: "cp_1", action: "revise", version: 1, feedback: "Shorter" };

test("pause, resume and cancel name the execution, and the reason where there is one", async () => {
  const client = connected();
  for (const type of /** @type {const} */ (["pause", "resume", "cancel"])) {
    const plain = client[type](ID);
    assert.deepEqual(said(type), { type, execution: ID });
    latest().reply(type, { offset: 7, state: "paused" });
    assert.deepEqual(await plain, { offset: 7, state: "paused" });
    client[type](ID, "Lunch");
    assert.deepEqual(said(type), { type, execution: ID, reason: "Lunch" });
  }
});

test("a fork answers an old question otherwise, under a key, and gives the new execution", async () => {
  const client = connected();
  const forked = client.fork(answer, { key: "mine" });
  assert.deepEqual(said("fork"), { type: "fork", ...answer, key: "mine" });
  latest().reply("fork", { execution: "x_2" });
  assert.deepEqual(await forked, { execution: "x_2" });
});

test("an execution can be read as it stands, and lists page by page", async () => {
  const client = connected();
  const got = client.get(ID);
  assert.deepEqual(said("get"), { type: "get", execution: ID });
  latest().reply("get", { execution: { id: ID }, checkpoints: [] });
  assert.equal((await got).execution.id, ID);
  const page = client.list({ what: "checkpoints", limit: 2, cursor: "c" });
  assert.deepEqual(said("list"), { type: "list", what: "checkpoints", limit: 2, cursor: "c" });
  latest().reply("list", { items: [1, 2], next: "d" });
  assert.deepEqual(await page, { items: [1, 2], next: "d" });
});

test("a start goes out once per key, survives the connection, and is not watched when it shall not be", async () => {
  const client = makeClient();
  client.hold();
  const started = client.start({ crew: "content", inputs: { topic: "Kopi" }, watch: false });
  assert.equal(latest().of("start").length, 0, "nothing goes out before the welcome");
  latest().greet();
  const first = latest().of("start")[0];
  latest().drop();
  mock.timers.tick(250);
  latest().greet();
  assert.deepEqual(latest().of("start"), [first]);
  latest().reply("start", { execution: ID, epoch: EPOCH, offset: 1, duplicate: true });
  assert.equal((await started).execution, ID);
  assert.deepEqual(client.getState().watched, {});
});

test("each way of asking ends by its signal, before and after it went out", async () => {
  const client = connected();
  const gone = AbortSignal.abort(new Error("too late"));
  await assert.rejects(client.get(ID, { signal: gone }), /too late/);
  assert.equal(latest().of("get").length, 0);
  const control = new AbortController(),
    limits = { signal: control.signal };
  const all = [
    client.start({ crew: "content" }, limits),
    client.decide(answer, limits),
    client.fork(answer, limits),
    client.pause(ID, "Lunch", limits),
    client.list({ what: "crews" }, limits),
  ];
  control.abort(new Error("changed my mind"));
  for (const { reason } of /** @type {any[]} */ (await Promise.allSettled(all)))
    assert.equal(reason.message, "changed my mind");
});

test("a refusal tells whether and when to ask again", async () => {
  const client = connected();
  const refused = client.list({ what: "crews" });
  const re = latest().of("list")[0].id;
  latest().push({ type: "error", re, code: "rate_limited", message: "Slowly", retry: true, retry_after: 3 });
  await assert.rejects(refused, (e) => e instanceof CommandError && e.retry && e.retryAfter === 3);
});

test("several executions share one socket, each resumed where it was", () => {
  const client = connected();
  const other = { execution: "x_2" };
  client.watch(ID);
  client.watch("x_2");
  latest().push(queued(), { ...queued(), ...other }, synced(1), { ...synced(1), ...other });
  latest().push({ ...event("execution.started", 2, { worker: "w", attempt: 1 }), ...other });
  latest().push(delta(0, "One"), { ...delta(0, "Two"), ...other });
  mock.timers.tick(16);
  assert.equal(FakeSocket.all.length, 1);
  assert.deepEqual(
    Object.values(client.getState().executions).map((run) => [run.id, run.offset, run.streams["s1"]?.text]),
    [
      [ID, 1, "One"],
      ["x_2", 2, "Two"],
    ],
  );
  latest().drop();
  mock.timers.tick(250);
  latest().greet();
  assert.deepEqual(
    latest()
      .of("watch")
      .map((c) => [c.execution, c.after.offset]),
    [
      [ID, 1],
      ["x_2", 2],
    ],
  );
  latest().push({ ...completed(3), ...other });
  assert.deepEqual(
    Object.values(client.getState().executions).map((run) => run.state),
    ["queued", "completed"],
  );
});

test("without a WebSocket, or with an address that is none, the client says so and does not fall over", () => {
  const none = makeClient({ WebSocket: /** @type {any} */ (null) });
  none.hold();
  assert.equal(none.getConnection().phase, "closed");
  assert.match(none.getConnection().reason ?? "", /no WebSocket here/);
  class Picky {
    /** @param {string} url */
    constructor(url) {
      throw new SyntaxError(`${url} is no address`);
    }
  }
  const lost = createClient({ url: () => "nowhere", WebSocket: /** @type {any} */ (Picky) });
  lost.hold();
  assert.deepEqual([lost.getConnection().phase, lost.getConnection().reason], ["closed", "nowhere is no address"]);
});

test("an error of the socket is heard: where nobody listens, the package ws would end the process", () => {
  connected();
  assert.equal(typeof (/** @type {any} */ (latest()).onerror), "function");
});
