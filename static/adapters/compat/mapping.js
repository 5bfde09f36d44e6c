/**
 * What the polling front end calls things, and what they are here. Pure.
 * @import { CheckpointView, ExecutionView, State } from "../../client/types.js"
 * @import { Action, CheckpointInfo, ExecutionStatus } from "./types.js"
 */

/** How much of a draft `context.result_preview` shows, in characters. */
const PREVIEW = 500;
/**
 * What each action means here: the first of these that a checkpoint offers.
 * @type {Readonly<Record<Action, readonly string[]>>}
 */
const ACTIONS = {
  continue: ["approve", "respond"],
  stop: ["stop"],
  revise: ["revise", "reject", "respond"],
  skip: ["skip"],
};
/** How the names of places begin; what follows is the phase. */
const PLACE = /^(?:after|before)[_:](?=.)/;
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

/** Whether a checkpoint offers an action. @param {CheckpointView} c @param {string} id */
const offers = (c, id) => c.actions.some((action) => action.id === id);

/**
 * What an answer of the polling front end sends. Where the question asks for words, the feedback is the answer; an
 * action that is not offered is sent all the same: the server refuses it, and says what is.
 * @param {Action} action
 * @param {string | undefined} feedback
 * @param {CheckpointView | undefined} c the checkpoint, where it is known
 */
export function answerOf(action, feedback, c) {
  const meanings = ACTIONS[action] ?? [action];
  const id = meanings.find((meaning) => c && offers(c, meaning)) ?? meanings[0] ?? action;
  if (id === "respond") return { action: id, response: feedback ?? "" };
  return { action: id, ...(feedback && { feedback }) };
}

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
    completed_checkpoints: all.filter((c) => c.state === "decided" || c.state === "expired").map((c) => c.id),
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
  ...(run.usage.calls && { token_usage: usageOf(run.usage) }),
});

/** In CrewAI's words. @param {ExecutionView["usage"]} usage */
const usageOf = ({ calls, total_tokens, prompt_tokens, completion_tokens }) => ({
  total_tokens,
  prompt_tokens,
  completion_tokens,
  successful_requests: calls,
});

/** @param {CheckpointView} c @returns {CheckpointInfo} */
export const infoOf = (c) => ({
  execution_id: c.execution,
  checkpoint_id: c.id,
  checkpoint_name: c.name,
  description: c.description || c.title,
  context: {
    phase: PLACE.test(c.name) ? c.name.replace(PLACE, "") : (c.task ?? c.name),
    result_preview: c.draft.text.slice(0, PREVIEW),
    status: STATES.waiting,
    draft: c.draft.text,
    content_type: c.draft.content_type ?? "text/markdown",
    task: c.task ?? null,
    agent: c.agent ?? null,
    kind: c.kind,
    version: c.version,
    actions: Object.keys(ACTIONS).filter((action) => ACTIONS[/** @type {Action} */ (action)].some((id) => offers(c, id))),
  },
  status: "pending",
  created_at: c.opened_at,
});
