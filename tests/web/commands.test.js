/** What comes of a command: its own answer or its refusal, through a lost connection, and never nothing. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { CommandError } from "../../static/client/index.js";
import { ID, latest, live, stopClock } from "./support.js";

stopClock();

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
