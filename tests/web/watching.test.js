/** What a client knows of the executions that it watches: all of each log, in order, and what streams beside it. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import {
  checkpoint,
  connected,
  decided,
  delta,
  EPOCH,
  ID,
  latest,
  live,
  makeClient,
  opened,
  queued,
  settle,
  stopClock,
  synced,
  taskCompleted,
  taskStarted,
} from "./support.js";

stopClock();
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

test("a log whose beginning was missed is asked for from its start", () => {
  const client = connected();
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

test("a start is watched from its first word", async () => {
  const client = connected();
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
  const client = connected();
  client.start({ crew: "content" });
  const reply = { type: "reply", re: latest().of("start")[0].id, data: { execution: ID, epoch: EPOCH, offset: 1 } };
  latest().push(reply, queued(), taskStarted(2), synced(2), delta(0, "First"));
  mock.timers.tick(16);
  assert.equal(client.getState().executions[ID]?.streams["s1"]?.text, "First");
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
  const client = connected();
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
