/** What models used, and what it cost, adds up. @import { LlmCompleted, Usage } from "./protocol.js" */

const COUNTS = /** @type {const} */ (["prompt_tokens", "completion_tokens", "total_tokens", "calls", "replayed"]);

/** As `prices.add` on the server. @param {Usage} a @param {Usage} b @returns {Usage} */
export function add(a, b) {
  const sum = Object.fromEntries(COUNTS.map((k) => [k, (a[k] ?? 0) + (b[k] ?? 0)]));
  const last = b.cost ?? a.cost;
  if (!last) return sum;
  let amount = 0,
    unpriced = 0;
  for (const { calls = 0, cost } of [a, b]) {
    const same = cost?.currency === last.currency;
    amount += same ? +cost.amount : 0;
    unpriced += same ? (cost.unpriced ?? 0) : calls;
  }
  return { ...sum, cost: { ...last, amount: amount.toFixed(9), unpriced } }; // rounded each time: nothing drifts
}

/** A replayed call cost nothing. @param {Usage} used @param {LlmCompleted} call */
export const spend = (used, call) => add(used, call.replayed ? { replayed: 1 } : { ...call.usage, calls: 1 });

/** Before any language model was asked. */
export const NO_USAGE = Object.freeze(add({}, {}));
