/** The packed client on a real server: `QUARTERDECK_URL` is its socket, with the demo crew behind it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CommandError, createClient } from "@quarterdeck/client";

const url = process.env.QUARTERDECK_URL;
const BRIEF = "Ramadan campaign for Kopi Senja, a coffee brand, 12 creators, 24 weeks";
const START = { crew: "content", inputs: { user_input: BRIEF, output_language: "English" } };
/** How long anything may take, in milliseconds. */
const LIMIT = 30_000;

/** Sockets that a test can cut. */
class Cable extends WebSocket {
  static laid = [];
  constructor(...given) {
    super(...given);
    Cable.laid.push(this);
  }
}
const client = createClient({ url, WebSocket: Cable, backoff: { min: 50, max: 500 } });
const release = client.hold();
after(release);

/** Waits until the state satisfies a condition. */
function until(condition, what, of = client) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => reject(new Error(`${what}: not in time`))), LIMIT);
    const look = () => {
      const found = condition(of.getState(), of);
      if (found) done(() => resolve(found));
    };
    const stop = of.subscribe(look);
    const done = (f) => {
      clearTimeout(timer);
      stop();
      f();
    };
    look();
  });
}
const open = (id, name, version = 1) =>
  until(
    (s) =>
      Object.values(s.checkpoints).find(
        (c) => c.execution === id && c.name === name && c.version === version && c.state === "open",
      ),
    `${name} ${version} is open`,
  );
const state = (id, wanted) => until((s) => s.executions[id]?.state === wanted && s.executions[id], `${id} is ${wanted}`);
const answer = (c, action, more = {}) =>
  client.decide({ execution: c.execution, checkpoint: c.id, version: c.version, action, ...more });

test("one socket carries two executions, their streamed text, revisions and ends", async () => {
  const grown = new Set(),
    stop = client.subscribe(() => {
      for (const run of Object.values(client.getState().executions))
        for (const stream of Object.values(run.streams)) if (stream.text && !stream.holed) grown.add(run.id);
    });
  const ids = [];
  for (const checkpoints of [["after_planning"], []])
    ids.push((await client.start({ ...START, checkpoints })).execution);
  ids.map((id) => client.watch(id));
  const first = await open(ids[0], "after_planning");
  await answer(first, "revise", { feedback: "Two creators, not three" });
  const second = await open(ids[0], "after_planning", 2);
  assert.equal(second.history[0].feedback, "Two creators, not three");
  await answer(second, "approve");
  for (const id of ids) assert.ok((await state(id, "completed")).output);
  stop();
  assert.deepEqual([...grown].sort(), [...ids].sort(), "text streamed in from the first word of each");
  assert.equal(Cable.laid.length, 1);
});

test("a connection that is cut again and again loses nothing, and an answer given meanwhile arrives once", async () => {
  const { execution } = await client.start({ ...START, checkpoints: ["after_planning"] });
  const letGo = client.watch(execution);
  const asked = await open(execution, "after_planning");
  Cable.laid.at(-1).close();
  await until((_, c) => c.getConnection().phase !== "open", "the connection is lost");
  const decided = answer(asked, "approve");
  await until((_, c) => c.getConnection().phase === "open", "the connection is back");
  Cable.laid.at(-1).close();
  await decided;
  const run = await state(execution, "completed");
  assert.ok(Cable.laid.length >= 3);

  const fresh = createClient({ url }),
    done = fresh.hold();
  fresh.watch(execution);
  const whole = await until((s) => s.executions[execution]?.state === "completed" && s.executions[execution], "replay", fresh);
  assert.deepEqual(run.items, whole.items);
  assert.deepEqual([run.offset, run.epoch, run.output], [whole.offset, whole.epoch, whole.output]);
  assert.equal(run.items.filter((item) => item.kind === "decision").length, 1);
  done();
  letGo();
});

test("of two who decide at once one wins, and the other learns it", async () => {
  const { execution } = await client.start({ ...START, checkpoints: ["after_planning"] });
  client.watch(execution);
  const asked = await open(execution, "after_planning");
  const both = await Promise.allSettled([answer(asked, "approve"), answer(asked, "stop")]);
  const lost = both.find((one) => one.status === "rejected")?.reason;
  assert.equal(both.filter((one) => one.status === "fulfilled").length, 1);
  assert.ok(lost instanceof CommandError);
  assert.equal(lost.code, "already_decided");
  assert.ok(lost.detail.by.name);
});

test("the same key starts one execution", async () => {
  const start = () => client.start({ ...START, checkpoints: ["after_planning"], watch: false }, { key: `key-${process.pid}` });
  const [one, other] = await Promise.all([start(), start()]);
  assert.equal(one.execution, other.execution);
  await client.cancel(one.execution, "Only a test");
  assert.equal((await client.get(one.execution)).execution.state, "cancelled");
});

test("executions pause, resume, fork, and stand in lists", async () => {
  const { execution } = await client.start({ ...START, checkpoints: ["after_planning"] });
  client.watch(execution);
  const asked = await open(execution, "after_planning");
  await client.pause(execution, "Lunch");
  await state(execution, "paused");
  await client.resume(execution);
  await until((s) => s.executions[execution].state !== "paused", "it goes on");
  await answer(await open(execution, "after_planning"), "approve");
  await state(execution, "completed");
  const forked = await client.fork({ execution, checkpoint: asked.id, version: 1, action: "revise", feedback: "Shorter" });
  client.watch(forked.execution);
  await open(forked.execution, "after_planning", 2);
  const { items } = await client.list({ what: "executions", limit: 5 });
  assert.ok(items.some((run) => run.id === forked.execution && run.forked_from.execution === execution));
  assert.equal((await client.get(forked.execution)).checkpoints.length, 1);
  await client.cancel(forked.execution);
});

test("bad requests are refused with a code, and the connection stays", async () => {
  const before = Cable.laid.length;
  const codes = [];
  for (const wrong of [
    () => client.start({ crew: "nobody" }),
    () => client.get("x_nothing"),
    () => client.start({ ...START, bogus: 1 }),
  ])
    await wrong().catch((e) => codes.push(e.code));
  assert.deepEqual(codes, ["unknown_crew", "not_found", "bad_field"]);
  await assert.rejects(client.list({ what: "crews" }, { signal: AbortSignal.abort(new Error("no more")) }), /no more/);
  assert.equal(Cable.laid.length, before);
});
