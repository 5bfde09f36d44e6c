/**
 * How a snapshot becomes a view.
 * @import { Checkpoint, Execution } from "./protocol.js"
 * @import { ExecutionView, TaskView } from "./types.js"
 */
import { itemsOfSnapshot } from "./items.js";
import { humanise } from "./states.js";

/**
 * Makes a view of a snapshot; what was known of the same log (decisions, tool calls) stays in the thread.
 * @param {ExecutionView | undefined} before
 * @param {Execution} e
 * @param {readonly Checkpoint[]} open
 * @returns {ExecutionView}
 */
export function fromSnapshot(before, e, open) {
  return {
    id: e.id,
    crew: e.crew,
    title: e.title,
    state: e.state,
    parked: e.parked ?? false,
    inputs: e.inputs,
    conversation: e.conversation,
    forkedFrom: e.forked_from,
    epoch: e.epoch,
    offset: e.offset,
    createdAt: e.created_at,
    endedAt: e.ended_at,
    tasks: e.tasks.map((t) => taskOfSnapshot(before, t)),
    items: itemsOfSnapshot(before?.items ?? [], e, open),
    streams: before?.streams ?? {},
    held: before?.held ?? {},
    usage: e.usage,
    waited: e.waited,
    output: e.output,
    error: e.error,
  };
}

/** @param {ExecutionView | undefined} before @param {Execution["tasks"][number]} t @returns {TaskView} */
function taskOfSnapshot(before, t) {
  const known = before?.tasks.find((k) => k.name === t.name);
  const span = t.started_at
    ? [{ from: Date.parse(t.started_at), ...(t.ended_at && { to: Date.parse(t.ended_at) }) }]
    : [];
  return {
    name: t.name,
    index: t.index,
    title: known?.title ?? humanise(t.name),
    agent: t.agent ?? known?.agent,
    state: t.state,
    round: t.round ?? 1,
    usage: t.usage,
    file: t.file,
    work: known?.work.length && !t.ended_at ? known.work : span,
  };
}
