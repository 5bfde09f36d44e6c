import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, initialState, reduce } from "../../static/client/store.js";
import { isCost } from "../../static/ui/facts.js";
import { setLanguage } from "../../static/ui/i18n/index.js";
import { costOf } from "../../static/ui/i18n/lengths.js";
import "../../static/ui/i18n/run.js";
import { event, ID, queued } from "./support.js";

/** @import { Cost, ServerFrame, Usage } from "../../static/client/protocol.js" */

/** @param {string} amount @param {string} [currency] @returns {Cost} */
const cost = (amount, currency = "USD") => ({ amount, currency, unpriced: 0 });
/** A call of a model, as the server tells it. @param {number} offset @param {Usage} [usage] @param {object} [more] */
const called = (offset, usage, more) => event("llm.completed", offset, { call: `c${offset}`, stream: "s", model: "m", usage, ...more });
/** @param {ServerFrame[]} frames */
const usageAfter = (...frames) => [queued(), ...frames].reduce(reduce, follow(initialState, ID)).executions[ID]?.usage;

test("what calls cost adds up as they come, and exactly", () => {
  const calls = Array.from({ length: 1000 }, (_, i) => called(i + 2, { calls: 1, total_tokens: 3, cost: cost("0.000000001") }));
  assert.deepEqual(usageAfter(...calls), { calls: 1000, total_tokens: 3000, cost: cost("0.000001000") });
  const two = ["0.1", "0.2"].map((amount, i) => called(i + 2, { calls: 1, cost: cost(amount) }));
  assert.equal(usageAfter(...two)?.cost?.amount, "0.300000000");
});

test("a call that the journal answered is counted as such, and neither its tokens nor its cost are counted again", () => {
  const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, calls: 1, replayed: 0, cost: cost("0.5") };
  assert.deepEqual(usageAfter(called(2, usage), called(3, usage, { replayed: true })), { ...usage, replayed: 1, cost: cost("0.500000000") });
});

test("a cost tells how many calls are not in it; without a price there is none", () => {
  const unpriced = { calls: 1, total_tokens: 3 };
  assert.equal(usageAfter(called(2, unpriced), called(3))?.cost, undefined);
  assert.equal(usageAfter(called(2, unpriced), called(3))?.calls, 2);
  const mixed = usageAfter(called(2, unpriced), called(3, { calls: 1, cost: cost("0") }), called(4));
  assert.deepEqual(mixed?.cost, { amount: "0.000000000", currency: "USD", unpriced: 2 });
});

test("where the currency changes the later one counts", () => {
  const calls = [cost("5"), cost("7", "IDR"), cost("1", "IDR")].map((each, i) => called(i + 2, { calls: 1, cost: each }));
  assert.deepEqual(usageAfter(...calls)?.cost, { amount: "8.000000000", currency: "IDR", unpriced: 1 });
});

test("the server's own sum counts in the end, and a log without costs stays one", () => {
  const end = { output: "", tasks: [], seconds: 1, waited: 0 };
  const old = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, calls: 1, replayed: 0 };
  assert.deepEqual(usageAfter(called(2, old), event("execution.completed", 3, { ...end, usage: old })), old);
  const sum = { ...old, cost: cost("0.25") };
  assert.deepEqual(usageAfter(called(2, old), event("execution.completed", 3, { ...end, usage: sum })), sum);
});

test("a cost is written as the reader's language does, and says when it is not all", async () => {
  assert.equal(costOf(cost("12.3")), "$12.30");
  assert.equal(costOf(cost("0.004125")), "$0.0041");
  assert.equal(costOf(cost("0.0000000751")), "$0.000000075");
  assert.equal(costOf(cost("0.5")), "$0.50");
  assert.equal(costOf(cost("0.99511")), "$0.9951");
  assert.equal(costOf(cost("0")), "$0.00");
  assert.equal(costOf({ ...cost("1"), unpriced: 2 }), "at least $1.00");
  await setLanguage("id");
  assert.equal(costOf({ ...cost("1234.5"), unpriced: 1 }).replaceAll("\u00a0", " "), "setidaknya US$1.234,50");
  assert.match(costOf(cost("57400", "IDR")), /^Rp\s57\.400(,00)?$/);
  await setLanguage("en");
});

test("only what is a cost is shown as one", () => {
  assert.ok(isCost(cost("0.1")));
  const others = [null, "0.1", 3, {}, { amount: "much", currency: "USD" }, { amount: "1", currency: "<b>" }, { amount: "1", currency: "usd" }];
  for (const other of others) assert.ok(!isCost(other), JSON.stringify(other));
});
