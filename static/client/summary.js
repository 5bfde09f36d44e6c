/**
 * An execution as lists show it: its state and progress, without its events.
 * @import { Event, Execution } from "./protocol.js"
 */
import { ENDS, isParkedAfter, stateAfter } from "./states.js";

/**
 * What an event changes in an execution that is only listed.
 * @param {Execution | undefined} known
 * @param {Event} e
 * @returns {Execution | undefined}
 */
export function summarise(known, e) {
  const before = e.type === "execution.queued" ? firstSummary(e) : known;
  if (!before) return undefined;
  const done = e.type === "task.completed" || e.type === "task.skipped" ? 1 : 0;
  return {
    ...before,
    state: stateAfter(before.state, e),
    parked: e.type !== "checkpoint.opened" && isParkedAfter(before.parked ?? false, e), // only a worker asks
    epoch: e.epoch,
    offset: e.offset,
    progress: { ...before.progress, done: (before.progress.done ?? 0) + done },
    ...(e.type in ENDS && { ended_at: e.at }),
  };
}

/** @param {Extract<Event, { type: "execution.queued" }>} e @returns {Execution} */
const firstSummary = ({ execution, epoch, offset, at, by, data }) => ({
  id: execution,
  crew: data.crew,
  title: data.title,
  state: "queued",
  inputs: data.inputs,
  checkpoints: data.checkpoints,
  ...(data.conversation && { conversation: data.conversation }),
  ...(data.forked_from && { forked_from: data.forked_from }),
  owner: by ?? null,
  created_at: at,
  epoch,
  offset,
  attempt: 1,
  progress: { done: 0, total: data.tasks.length },
  tasks: [],
  usage: {},
  waited: 0,
});
