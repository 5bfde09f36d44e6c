/**
 * The lanes of a timeline: one for each task, or for each agent where there are too many; questions of no task have one. Pure.
 * @import { Usage } from "../client/protocol.js"
 * @import { CheckpointView, ExecutionView, Span, TaskView } from "../client/types.js"
 * @typedef {{ key: string, name: string, entry?: string | undefined, state: string, usage: Usage, work: readonly Span[], waits: readonly Span[] }} Lane
 */

/** More tasks are shown by their agents. */
const MOST = 12;
/** Of whoever asked no model. @type {Usage} */
const NONE = { total_tokens: 0 };

/** @param {ExecutionView} run @param {readonly CheckpointView[]} checkpoints @param {string} questions what the lane of loose questions is called */
export function lanesOf(run, checkpoints, questions) {
  const waitsOf = (/** @type {TaskView} */ task) => checkpoints.filter((c) => c.task === task.name).flatMap((c) => c.waits);
  const lanes = run.tasks.map((task) => ({
    key: task.name,
    name: task.title,
    entry: task.work.length ? `task:${task.name}:${task.round}` : undefined, // of the thread
    agent: task.agent ?? task.title,
    state: task.state,
    usage: task.usage ?? NONE,
    work: task.work,
    waits: waitsOf(task),
  }));
  const loose = checkpoints.filter((c) => !run.tasks.some((task) => task.name === c.task)).flatMap((c) => c.waits);
  /** @type {Lane[]} */ const all = lanes.length > MOST ? byAgent(lanes) : lanes;
  return loose.length ? [...all, { key: "?", name: questions, state: "", usage: NONE, work: [], waits: loose }] : all;
}

/** @param {(Lane & { agent: string })[]} lanes @returns {Lane[]} */
function byAgent(lanes) {
  return [...new Set(lanes.map((lane) => lane.agent))].map((agent) => {
    const own = lanes.filter((lane) => lane.agent === agent);
    return {
      key: agent,
      name: agent,
      state: own.find((lane) => lane.state === "running")?.state ?? own[0]?.state ?? "",
      usage: own.map((lane) => lane.usage).reduce(add),
      work: own.flatMap((lane) => lane.work),
      waits: own.flatMap((lane) => lane.waits),
    };
  });
}

/** Tokens and cost of two lanes together. @param {Usage} a @param {Usage} b @returns {Usage} */
function add(a, b) {
  const last = b.cost ?? a.cost;
  let [tokens, asked, amount, unpriced] = [0, 0, 0, 0];
  for (const { total_tokens = 0, calls = 0, cost } of [a, b]) {
    const own = cost && cost.currency === last?.currency ? cost : { amount: 0, unpriced: calls };
    tokens += total_tokens;
    asked += calls;
    amount += Number(own.amount);
    unpriced += own.unpriced ?? 0;
  }
  return { total_tokens: tokens, calls: asked, ...(last && { cost: { ...last, amount: amount.toFixed(9), unpriced } }) };
}
