/**
 * The lanes of a timeline: one for each task, or for each agent where there are too many; questions of no task have one. Pure.
 * @import { Usage } from "../client/protocol.js"
 * @import { CheckpointView, ExecutionView, Span, TaskView } from "../client/types.js"
 * @typedef {{ key: string, name: string, entry?: string | undefined, state: string, usage: Usage, work: readonly Span[], waits: readonly Span[] }} Lane
 */
import { add, NO_USAGE } from "../client/usage.js";

/** More tasks are shown by their agents. */
const MOST = 12;

/** @param {ExecutionView} run @param {readonly CheckpointView[]} checkpoints @param {string} questions what the lane of loose questions is called */
export function lanesOf(run, checkpoints, questions) {
  const waitsOf = (/** @type {TaskView} */ task) => checkpoints.filter((c) => c.task === task.name).flatMap((c) => c.waits);
  const lanes = run.tasks.map((task) => ({
    key: task.name,
    name: task.title,
    entry: task.work.length ? `task:${task.name}:${task.round}` : undefined, // of the thread
    agent: task.agent ?? task.title,
    state: task.state,
    usage: task.usage ?? NO_USAGE,
    work: task.work,
    waits: waitsOf(task),
  }));
  const loose = checkpoints.filter((c) => !run.tasks.some((task) => task.name === c.task)).flatMap((c) => c.waits);
  /** @type {Lane[]} */ const all = lanes.length > MOST ? byAgent(lanes) : lanes;
  return loose.length ? [...all, { key: "?", name: questions, state: "", usage: NO_USAGE, work: [], waits: loose }] : all;
}

/** @param {(Lane & { agent: string })[]} lanes @returns {Lane[]} */
function byAgent(lanes) {
  return [...new Set(lanes.map((lane) => lane.agent))].map((agent) => {
    const own = lanes.filter((lane) => lane.agent === agent);
    return {
      key: agent,
      name: agent,
      state: own.find((lane) => lane.state === "running")?.state ?? own[0]?.state ?? "",
      usage: own.reduce((sum, lane) => add(sum, lane.usage), NO_USAGE),
      work: own.flatMap((lane) => lane.work),
      waits: own.flatMap((lane) => lane.waits),
    };
  });
}
