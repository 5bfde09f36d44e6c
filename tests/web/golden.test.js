/** The frames that the server's tests make: every command the client sends and every frame it gets is one of them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { follow, initialState, reduce } from "../../static/client/store.js";
import { createWebhooks } from "../../static/client/webhooks.js";
import { connected, latest } from "./support.js";

/** @import { ServerFrame } from "../../static/client/protocol.js" */

/** @type {{ commands: any[], control: any[], events: any[] }} */
const golden = JSON.parse(readFileSync(new URL("../golden/frames.json", import.meta.url), "utf8"));
/** @template T @param {T} value @returns {T} */
const frozen = (value) => {
  if (typeof value === "object" && value) Object.values(value).forEach(frozen);
  return Object.freeze(value);
};

for (const frame of /** @type {ServerFrame[]} */ ([...golden.control, ...golden.events]))
  test(`${frame.type} is taken in purely: the same frame gives the same state, and changes no old one`, () => {
    const log = golden.events.find((e) => e.type === "execution.queued");
    const id = "execution" in frame && typeof frame.execution === "string" ? frame.execution : log.execution;
    const first = frozen(reduce(follow(initialState, id), { ...log, execution: id, offset: 1 }));
    const next = "offset" in frame && frame.type.includes(".") ? { ...frame, epoch: log.epoch, offset: 2 } : frame;
    const once = reduce(first, frozen(next));
    assert.deepEqual(reduce(first, next), once);
    if (frame.type.includes(".") && frame.type !== "execution.queued") {
      assert.equal(once.executions[id]?.offset, 2);
      assert.equal(reduce(once, next), once, "a duplicate gives the same object");
    }
  });

test("what the client sends has the shape of the golden commands", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const client = connected();
  const { type: _, id: __, key, ...start } = golden.commands.find((c) => c.type === "start");
  client.start(start, { key });
  for (const type of /** @type {const} */ (["decide", "fork"])) {
    const { type: _type, id: _id, key: own, ...answer } = golden.commands.find((c) => c.type === type);
    client[type](answer, { key: own });
  }
  const { type: _say, id: _said, key: mine, ...said } = golden.commands.find((c) => c.type === "say");
  client.say(said, { key: mine });
  const { type: _view, id: _viewed, ...view } = golden.commands.find((c) => c.type === "view");
  client.view(view);
  await Promise.resolve();
  for (const type of /** @type {const} */ (["cancel", "pause", "resume"])) {
    const { execution, reason } = golden.commands.find((c) => c.type === type);
    client[type](execution, reason);
  }
  const { type: _list, id: _id, ...list } = golden.commands.find((c) => c.type === "list");
  client.list(list);
  client.get(golden.commands.find((c) => c.type === "get").execution);
  const webhooks = createWebhooks(client);
  const { cursor, limit, execution } = golden.commands.find((c) => c.type === "deliveries");
  webhooks.deliveries(execution, { cursor, limit });
  webhooks.resend(execution, golden.commands.find((c) => c.type === "resend").delivery);
  for (const { id, ...command } of latest().sent) {
    const { id: _, ...expected } = golden.commands.find((c) => c.type === command.type);
    assert.deepEqual(command, expected);
    assert.ok(Number.isInteger(id));
  }
  assert.equal(latest().sent.length, 12);
  mock.timers.reset();
});
