/**
 * What the polling front end calls things, and what they are here. Pure.
 * @import { CheckpointView, ExecutionView, State } from "../../client/types.js"
 * @import { Action, CheckpointInfo, ExecutionStatus } from "./types.js"
 */

/** How much of a draft `context.result_preview` shows, in characters. */
const PREVIEW = 500;
/** @type {Readonly<Record<Action, string>>} */
const ACTIONS = { continue: "approve", stop: "stop", revise: "revise", skip: "skip" };
/** @type {Readonly<Record<ExecutionView["state"], string>>} */
const STATES = {
  queued: "pending",
  running: "running",
  paused: "running",
  waiting: "waiting_feedback",
  completed: "completed",
  failed: "error",
  cancelled: "cancelled",
  stopped: "stopped",
};

/** @param {Action} action */
export const actionOf = (action) => ACTIONS[action] ?? action;

/**
 * The checkpoints of an execution, the oldest first.
 * @param {State} state
 * @param {string} execution
 */
export const checkpointsOf = (state, execution) =>
  Object.values(state.checkpoints)
    .filter((c) => c.execution === execution)
    .sort((a, b) => a.opened_at.localeCompare(b.opened_at));

/** The question that waits longest. @param {readonly CheckpointView[]} all */
export const openOf = (all) => all.find((c) => c.state === "open");

/**
 * How an execution stands; one of which nothing was heard yet is pending.
 * @param {string} id
 * @param {ExecutionView | undefined} run
 * @param {readonly CheckpointView[]} all
 * @returns {ExecutionStatus}
 */
export function statusOf(id, run, all) {
  const open = openOf(all);
  return {
    execution_id: id,
    status: run ? STATES[run.state] : "pending",
    ...(open && { current_checkpoint: open.id }),
    completed_checkpoints: all.filter((c) => c.state === "decided").map((c) => c.id),
    ...(run?.state === "completed" && { result: resultOf(run) }),
    ...(run?.error && { error: run.error.message }),
  };
}

/** @param {ExecutionView} run */
const resultOf = (run) => ({
  status: "complete",
  output: run.output ?? "",
  task_outputs: run.tasks.flatMap(({ name, agent }) => {
    const last = run.items.findLast((item) => item.kind === "task" && item.task === name);
    return last?.kind === "task" && last.text ? [{ task: name, agent: agent ?? "", output: last.text }] : [];
  }),
  token_usage: run.usage,
});

/** @param {CheckpointView} c @returns {CheckpointInfo} */
export const infoOf = (c) => ({
  execution_id: c.execution,
  checkpoint_id: c.id,
  checkpoint_name: c.name,
  description: c.description || c.title,
  context: {
    phase: c.task ?? c.name,
    ...(c.agent && { agent: c.agent }),
    ...c.facts,
    result_preview: c.draft.text.slice(0, PREVIEW),
    draft: c.draft.text,
    status: "waiting_feedback",
  },
  status: "pending",
  created_at: c.opened_at,
});
