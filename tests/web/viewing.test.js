import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { initialState, reduce } from "../../static/client/index.js";
import { offer } from "../../static/client/store.js";
import { othersOf } from "../../static/client/viewers.js";
import { checkpoint, connected, ID, latest, makeClient, stopClock } from "./support.js";

stopClock();

/** What was said on the newest connection. */
const states = () => latest().of("view").map((command) => command.state);
/** @param {ReturnType<typeof makeClient>} client @param {"viewing" | "editing" | null} state */
async function look(client, state) {
  client.view({ execution: ID, checkpoint: "cp_1", state });
  await Promise.resolve();
}

test("coming and going is told at once, and what is done meanwhile every five seconds", async () => {
  const client = connected();
  await look(client, "viewing");
  assert.deepEqual(latest().of("view")[0], { type: "view", execution: ID, checkpoint: "cp_1", state: "viewing", id: latest().of("view")[0].id });
  await look(client, "editing");
  await look(client, "viewing");
  await look(client, "editing");
  assert.deepEqual(states(), ["viewing"]);
  mock.timers.tick(5_000);
  assert.deepEqual(states(), ["viewing", "editing"]);
  await look(client, null);
  assert.deepEqual(states(), ["viewing", "editing", null]);
  mock.timers.tick(60_000);
  assert.equal(states().length, 3);
});

test("what changes back in time is not told, nor who mounts again in the same tick", async () => {
  const client = connected();
  await look(client, "viewing");
  await look(client, "editing");
  await look(client, "viewing");
  mock.timers.tick(10_000);
  client.view({ execution: ID, checkpoint: "cp_1", state: null });
  await look(client, "viewing");
  assert.deepEqual(states(), ["viewing"]);
});

test("each connection is told anew; without one nothing is lost", async () => {
  const client = makeClient();
  client.hold();
  await look(client, "editing");
  latest().greet();
  assert.deepEqual(states(), ["editing"]);
  latest().drop();
  client.view({ execution: ID, checkpoint: "cp_2", state: "viewing" });
  await look(client, null);
  mock.timers.tick(60_000);
  latest().greet();
  assert.deepEqual(latest().of("view").map(({ checkpoint: c, state }) => [c, state]), [["cp_2", "viewing"]]);
});

test("a refusal is nobody's concern: the question is decided", async () => {
  const client = connected();
  await look(client, "viewing");
  latest().push({ type: "error", re: latest().of("view")[0].id, code: "already_decided", message: "Decided", retry: false });
  await Promise.resolve();
  await look(client, null);
  assert.deepEqual(states(), ["viewing", null]);
});

const viewers = [
  { id: "c_1", name: "Rara", person: "rara", state: /** @type {const} */ ("viewing") },
  { id: "c_2", name: "Dimas", person: "dimas", state: /** @type {const} */ ("editing") },
  { id: "c_3", name: "Dimas", person: "dimas", state: /** @type {const} */ ("viewing") },
  { id: "c_4", name: "Rara", person: "rara", state: /** @type {const} */ ("editing") },
];

test("the others are told once each, by what they do most; oneself is not among them", () => {
  const rara = { connection: "c_1", person: { id: "rara", name: "Rara" }, isOpen: false };
  assert.deepEqual(othersOf(viewers, rara).map((v) => [v.name, v.state]), [["Dimas", "editing"]]);
  const sari = { connection: "c_9", person: { id: "sari", name: "Sari" }, isOpen: false };
  assert.deepEqual(othersOf(viewers, sari).map((v) => [v.name, v.state]), [["Rara", "editing"], ["Dimas", "editing"]]);
  const anybody = { connection: "c_1", person: { id: "rara", name: "Rara" }, isOpen: true };
  assert.deepEqual(othersOf(viewers, anybody).map((v) => v.id), ["c_2", "c_3", "c_4"]);
  assert.equal(othersOf(viewers, {}).length, 2);
});

test("who came back is not another: a server that died may still name the connection that was", () => {
  const client = connected();
  latest().drop();
  mock.timers.tick(60_000);
  latest().greet({ connection: "c_9" });
  const { self } = client.getState();
  assert.deepEqual([self.connection, self.former], ["c_9", ["c_1"]]);
  assert.deepEqual(othersOf(viewers, self).map((v) => v.id), ["c_2", "c_3", "c_4"]);
});

test("who looks is known of open checkpoints, and who this client is from the welcome", () => {
  const frame = { type: /** @type {const} */ ("presence"), execution: ID, checkpoint: "cp_1", viewers };
  const open = offer(initialState, [checkpoint()]);
  assert.equal(reduce(open, frame).checkpoints["cp_1"]?.viewers.length, 4);
  assert.equal(reduce(initialState, frame), initialState);
  const over = { ...open, checkpoints: { cp_1: { .../** @type {any} */ (open.checkpoints["cp_1"]), state: "decided" } } };
  assert.equal(reduce(over, frame).checkpoints["cp_1"]?.viewers.length, 0);
  const client = connected();
  assert.deepEqual(client.getState().self, { connection: "c_1", person: undefined, isOpen: true, rights: undefined });
});

test("who is said after the welcome, and what they may do, is known, too", async () => {
  const client = makeClient({ token: () => "secret" });
  client.hold();
  latest().greet({ auth: "required" });
  await Promise.resolve();
  await Promise.resolve();
  const rights = { any: ["list", "watch"], own: ["decide"] };
  latest().reply("auth", { principal: { id: "rara", name: "Rara" }, rights });
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(client.getState().self, { connection: "c_1", person: { id: "rara", name: "Rara" }, isOpen: false, rights });
});
