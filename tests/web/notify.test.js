/** Which questions are news for a desktop: those since the page was loaded, by the server's clock. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { checkpoint } from "./support.js";

/** @type {any[]} */ let shown = [];
class Notice {
  static permission = "granted";
  /** @param {string} title */
  constructor(title) {
    shown.push(title);
  }
  close() {}
}
const store = new Map([["quarterdeck.notices", "on"]]);
Object.assign(globalThis, { Notification: Notice });
Object.defineProperty(globalThis, "localStorage", { value: { getItem: (/** @type {string} */ k) => store.get(k) ?? null, setItem() {} }, configurable: true });
Object.assign(globalThis, { document: { documentElement: { lang: "en", dataset: {} }, addEventListener() {}, querySelector: () => null } });

let isTouched = false;
Object.assign(globalThis, { matchMedia: (/** @type {string} */ query) => ({ matches: query === "(any-hover: none)" && isTouched }) });

const { areNoticesOn, canNotify, heed } = await import("../../static/ui/notify.js");
const { client } = await import("../../static/ui/session.js");
/** A question that came some milliseconds after now, on the server's clock. @param {string} id @param {number} ms @returns {any} */
const asked = (id, ms) => ({ ...checkpoint({ id, title: id, opened_at: new Date(client.now() + ms).toISOString() }), waits: [], viewers: [] });
beforeEach(() => (shown = []));

test("a question is news though this machine's clock is ahead of the server's", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  t.mock.method(client, "now", () => Date.now() - 300_000);
  heed([asked("old", -60_000)], true);
  assert.deepEqual(shown, []);
  heed([asked("old", -60_000), asked("new", 1000)], true);
  assert.equal(shown.length, 1);
  heed([asked("new", 1000)], true);
  assert.equal(shown.length, 1, "each is told once");
});

test("phones, whose browsers show notices of installed apps only, are not offered what they would not do", () => {
  assert.ok(canNotify() && areNoticesOn());
  isTouched = true;
  assert.ok(!canNotify() && !areNoticesOn());
});
