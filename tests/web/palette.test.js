import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/ui/i18n/run.js";
import { initialState } from "../../static/client/index.js";
import { offer } from "../../static/client/store.js";
import { commandsOf, found } from "../../static/ui/commands.js";
import { startWords } from "../../static/ui/start.js";
import { checkpoint } from "./support.js";

const forbidden = () => {
  throw new DOMException("Not here", "SecurityError");
};
for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, { get: forbidden, configurable: true });

const run = (/** @type {string} */ id, /** @type {number} */ at, more = {}) => /** @type {any} */ ({ id, title: `Run ${id}`, crew: "content", state: "completed", created_at: `2026-11-24T08:00:${String(at).padStart(2, "0")}.000Z`, ...more });
const runs = [run("x_1", 1, { conversation: "cv" }), run("x_2", 2, { conversation: "cv", title: "And tea?" }), run("x_3", 3)];
const state = {
  ...offer(initialState, [checkpoint({ id: "cp_late", title: "Late" }), checkpoint({ id: "cp_soon", title: "Soon", deadline: "2026-11-24T09:00:00.000Z" })]),
  summaries: Object.fromEntries(runs.map((r) => [r.id, r])),
  crews: /** @type {any[]} */ ([
    { name: "content", title: "Content crew" },
    { name: "broken", title: "Broken", broken: "No module" },
  ]),
  older: "cursor",
};
const client = /** @type {any} */ ({ getState: () => state, older: async () => undefined });
let helped = 0;
const all = commandsOf(client, () => (helped += 1));
/** @param {string} search */
const ids = (search) => found(all, search).flatMap(({ commands }) => commands.map((command) => command.id));

test("what waits comes first, the nearest deadline before all; then what can be done, and what can be opened", () => {
  assert.deepEqual(found(all, "").map(({ kind }) => kind), ["waiting", "actions", "talks", "runs", "crews"]);
  assert.deepEqual(ids("").slice(0, 2), ["cp_soon", "cp_late"]);
  const next = all.find((command) => command.id === "next");
  assert.equal(next?.hint, "Soon");
});

test("a few letters find a run by its title, its crew or its id, a conversation by any of its runs", () => {
  assert.deepEqual(ids("and tea"), ["talk-cv", "x_2"]);
  assert.deepEqual(ids("x_3"), ["x_3"]);
  assert.deepEqual(ids("content run"), ["x_3", "x_1"]);
  assert.deepEqual(ids("dark theme"), ["theme-dark"]);
  assert.deepEqual(ids("start crew"), ["crew-content"]);
  assert.deepEqual(ids("nothing of it"), []);
});

test("of one kind only some are shown, and a crew that cannot run is not offered", () => {
  const many = Array.from({ length: 30 }, (_, i) => run(`x_${i}`, i));
  const crowded = /** @type {any} */ ({ getState: () => ({ ...state, summaries: Object.fromEntries(many.map((r) => [r.id, r])) }) });
  const shown = found(commandsOf(crowded, () => undefined), "run x").find(({ kind }) => kind === "runs");
  assert.deepEqual(shown?.commands.map(({ id }) => id), ["x_29", "x_28", "x_27", "x_26", "x_25", "x_24", "x_23", "x_22"]);
  assert.ok(!all.some((command) => command.id === "crew-broken"));
});

test("help and a crew are chosen from it", () => {
  all.find((command) => command.id === "keys")?.run();
  assert.equal(helped, 1);
  globalThis.location = /** @type {any} */ ({ pathname: new URL("../../", import.meta.url).pathname });
  all.find((command) => command.id === "crew-content")?.run();
  assert.equal(startWords().crew, "content");
});

test("what a person may not do is not offered: others' questions, and starts", () => {
  const rights = { any: ["watch", "list"], own: ["decide"] };
  const self = /** @type {any} */ ({ rights, person: { id: "oka" } });
  const owned = { ...offer(state, [checkpoint({ id: "cp_mine", execution: "x_mine" })]), self };
  owned.summaries = { ...owned.summaries, x_1: run("x_1", 1, { owner: { id: "rara" } }), x_mine: run("x_mine", 4, { owner: { id: "oka" } }) };
  const offered = commandsOf(/** @type {any} */ ({ getState: () => owned }), () => undefined);
  assert.deepEqual(offered.filter(({ kind }) => kind === "waiting").map(({ id }) => id), ["cp_mine"]);
  assert.ok(!offered.some(({ id, kind }) => kind === "crews" || id === "new"));
});
