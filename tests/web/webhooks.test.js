import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "../../static/client/index.js";
import { createWebhooks } from "../../static/client/webhooks.js";
import { connected, ID, latest, said, stopClock } from "./support.js";

stopClock();

const DELIVERY = { id: "9-xabc", event: "checkpoint.opened", state: "pending", attempts: [] };

const webhooks = () => createWebhooks(connected());

test("deliveries are read page by page", async () => {
  const { deliveries } = webhooks();
  const first = deliveries(ID);
  assert.deepEqual(said("deliveries"), { type: "deliveries", execution: ID });
  latest().reply("deliveries", { items: [DELIVERY], next: "50" });
  assert.deepEqual(await first, { items: [DELIVERY], next: "50" });
  deliveries(ID, { cursor: "50", limit: 20, timeout: 1_000 });
  assert.deepEqual(said("deliveries"), { type: "deliveries", execution: ID, cursor: "50", limit: 20 });
});

test("a delivery is made again, and told as it stands then", async () => {
  const { resend } = webhooks();
  const again = resend(ID, "9-xabc");
  assert.deepEqual(said("resend"), { type: "resend", execution: ID, delivery: "9-xabc" });
  latest().reply("resend", { delivery: DELIVERY });
  assert.deepEqual(await again, DELIVERY);
});

test("what is refused rejects, and a signal ends it", async () => {
  const { deliveries, resend } = webhooks();
  const refused = resend(ID, "1-none");
  const message = "The execution has no delivery '1-none'.";
  latest().push({ type: "error", re: latest().of("resend")[0].id, code: "not_found", message, retry: false });
  await assert.rejects(refused, (e) => e instanceof CommandError && e.code === "not_found");
  const control = new AbortController();
  const listed = deliveries(ID, { signal: control.signal });
  control.abort(new Error("changed my mind"));
  await assert.rejects(listed, /changed my mind/);
});
