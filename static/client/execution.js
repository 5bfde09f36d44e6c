/**
 * How one execution looks after an event, and how a snapshot becomes a view.
 * @import { Event, Checkpoint, Delta, Execution, Usage } from "./protocol.js"
 * @import { ExecutionView, Stream, TaskView } from "./types.js"
 */
import { itemsOfSnapshot, record } from "./items.js";

/** Ends: the execution's last state by the event that brings it. */
export const ENDS = /** @type {const} */ ({
  "execution.completed": "completed", "execution.failed": "failed", "execution.stopped": "stopped", "execution.cancelled": "cancelled",
});
/** @type {Readonly<Record<string, Execution["state"]>>} */
const STATES = {
  ...ENDS, "execution.queued": "queued", "execution.started": "running", "execution.recovered": "running",
  "execution.resumed": "running", "execution.paused": "paused",
};
const NO_USAGE = Object.freeze({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, calls: 0, replayed: 0 });

/** The state an event brings, or the one there was. @param {Execution["state"]} state @param {Event} e @returns {Execution["state"]} */
export const stateAfter = (state, e) => STATES[e.type] ?? state;

/**
 * Applies the next event of the log.
 * @param {ExecutionView | undefined} before `undefined` at the start of a log
 * @param {Event} e
 * @returns {ExecutionView | undefined} `undefined` when the log does not begin as logs do
 */
export function advance(before, e) {
  const run = e.type === "execution.queued" ? queued(e) : before;
  if (!run) return undefined;
  const state = stateAfter(run.state, e), endedAt = e.type in ENDS ? e.at : run.endedAt;
  return work({ ...run, state, endedAt, items: record(run.items, e) }, e);
}

/** @param {ExecutionView} run @param {Event} e @returns {ExecutionView} */
function work(run, e) {
  switch (e.type) {
    case "task.started": return task(run, e.data, { state: "running", agent: e.data.agent, round: e.data.round }, (w) => begin(w, e.at));
    case "task.completed": return task(settled(run, e.data.task), e.data, { state: "completed", agent: e.data.agent, usage: e.data.usage }, (w) => end(w, e.at));
    case "task.failed": return task(settled(run, e.data.task), e.data, { state: "failed" }, (w) => end(w, e.at));
    case "task.skipped": return task(settled(run, e.data.task), e.data, { state: "skipped" }, (w) => end(w, e.at));
    case "llm.completed": return { ...run, usage: sum(run.usage, e.data.usage) };
    case "checkpoint.opened": return asked(run, e.data.checkpoint, e.at);
    case "checkpoint.decided": return answered(run, e.data.checkpoint, e.at);
    case "execution.completed": return ended({ ...run, output: e.data.output, usage: e.data.usage, waited: e.data.waited }, e);
    case "execution.failed": return ended({ ...run, error: e.data.error }, e);
    case "execution.stopped": case "execution.cancelled": return ended(run, e);
    default: return run;
  }
}

/** @param {Extract<Event, { type: "execution.queued" }>} e @returns {ExecutionView} */
function queued(e) {
  const { crew, title, inputs, tasks } = e.data;
  return {
    id: e.execution, crew, title, inputs, state: "queued", epoch: e.epoch, offset: 0, createdAt: e.at, items: [], streams: {}, held: {}, usage: NO_USAGE,
    tasks: tasks.map((t, index) => ({ name: t.name, index, title: t.title ?? humanise(t.name), agent: t.agent, state: "pending", round: 1, work: [] })),
  };
}

/** `content_plan` as people write it. @param {string} name */
export const humanise = (name) => name.replaceAll(/[_-]+/g, " ").replace(/^\p{L}/u, (c) => c.toUpperCase());

/**
 * Changes a task, adding one that was not announced.
 * @param {ExecutionView} run
 * @param {{ task: string, index?: number }} which
 * @param {Partial<TaskView>} change
 * @param {(work: TaskView["work"]) => TaskView["work"]} times
 * @returns {ExecutionView}
 */
function task(run, { task: name, index = run.tasks.length }, change, times) {
  const known = run.tasks.find((t) => t.name === name) ?? { name, index, title: humanise(name), state: "pending", round: 1, work: [] };
  const given = Object.fromEntries(Object.entries(change).filter(([, v]) => v !== undefined && v !== null));
  const after = { ...known, ...given, work: times(known.work) };
  const others = run.tasks.filter((t) => t.name !== name);
  return { ...run, tasks: [...others, after].sort((a, b) => a.index - b.index) };
}

/** @param {TaskView["work"]} work @param {string} at */
const begin = (work, at) => (work.at(-1) && work.at(-1)?.to === undefined ? work : [...work, { from: Date.parse(at) }]);
/** @param {TaskView["work"]} work @param {string} at */
const end = (work, at) => work.map((w) => (w.to === undefined ? { ...w, to: Date.parse(at) } : w));

/** A question to people stops the crew's clock of its task. @param {ExecutionView} run @param {Checkpoint} c @param {string} at @returns {ExecutionView} */
function asked(run, c, at) {
  const known = run.tasks.find((t) => t.name === c.task);
  if (!known) return run;
  const working = known.work.at(-1)?.to === undefined && known.work.length > 0;
  const paused = working && c.kind !== "task.after" ? { ...run.held, [c.id]: known.name } : run.held;
  const heard = c.kind === "task.after" ? settled(run, known.name) : run;
  return working ? { ...task(heard, { task: known.name }, {}, (w) => end(w, at)), held: paused } : heard;
}

/** The answer to a question in the middle of a task starts its clock again. @param {ExecutionView} run @param {string} id @param {string} at @returns {ExecutionView} */
function answered(run, id, at) {
  const { [id]: name, ...held } = run.held;
  return name ? { ...task(run, { task: name }, {}, (w) => begin(w, at)), held } : run;
}

/** @param {ExecutionView} run @param {Event} e @returns {ExecutionView} */
const ended = (run, e) => ({ ...run, streams: {}, held: {}, tasks: run.tasks.map((t) => (t.work.at(-1)?.to === undefined && t.work.length ? { ...t, work: end(t.work, e.at) } : t)) });

/** The whole text of a task has come: its streamed pieces go. @param {ExecutionView} run @param {string} name @returns {ExecutionView} */
function settled(run, name) {
  const kept = Object.entries(run.streams).filter(([, s]) => s.task !== name);
  return { ...run, streams: Object.fromEntries(kept) };
}

/**
 * Adds a piece of streamed text. A stream shows only its task's newest LLM call.
 * @param {ExecutionView} run
 * @param {Delta} d
 * @returns {ExecutionView}
 */
export function listen(run, d) {
  const known = run.streams[d.stream];
  if (known && d.index < known.next) return run;
  if (d.task && run.tasks.some((t) => t.name === d.task && (t.state === "completed" || t.state === "skipped"))) return run;
  const others = known || !d.task ? run.streams : settled(run, d.task).streams;
  /** @type {Stream} */ const stream = {
    stream: d.stream, task: d.task, agent: d.agent, text: (known?.text ?? "") + d.text, next: d.index + 1, holed: Boolean(known?.holed) || d.index > (known?.next ?? 0),
  };
  return { ...run, streams: { ...others, [d.stream]: stream } };
}

/** @param {Usage} a @param {Usage | null | undefined} b @returns {Usage} */
function sum(a, b) {
  const total = (/** @type {keyof Usage} */ k) => (a[k] ?? 0) + (b?.[k] ?? 0);
  return {
    prompt_tokens: total("prompt_tokens"), completion_tokens: total("completion_tokens"), total_tokens: total("total_tokens"),
    calls: total("calls"), replayed: total("replayed"),
  };
}

/**
 * Makes a view of a snapshot; what was known of the same log (decisions, tool calls) stays in the thread.
 * @param {ExecutionView | undefined} before
 * @param {Execution} e
 * @param {readonly Checkpoint[]} open
 * @returns {ExecutionView}
 */
export function fromSnapshot(before, e, open) {
  return {
    id: e.id, crew: e.crew, title: e.title, state: e.state, inputs: e.inputs, epoch: e.epoch, offset: e.offset, createdAt: e.created_at, endedAt: e.ended_at,
    tasks: e.tasks.map((t) => taskOfSnapshot(before, t)), items: itemsOfSnapshot(before?.items ?? [], e, open), streams: before?.streams ?? {}, held: before?.held ?? {},
    usage: e.usage, waited: e.waited, output: e.output, error: e.error,
  };
}

/** @param {ExecutionView | undefined} before @param {Execution["tasks"][number]} t @returns {TaskView} */
function taskOfSnapshot(before, t) {
  const known = before?.tasks.find((k) => k.name === t.name);
  const span = t.started_at ? [{ from: Date.parse(t.started_at), ...(t.ended_at && { to: Date.parse(t.ended_at) }) }] : [];
  return { name: t.name, index: t.index, title: known?.title ?? humanise(t.name), agent: t.agent ?? known?.agent, state: t.state, round: t.round ?? 1, usage: t.usage, work: known?.work.length && !t.ended_at ? known.work : span };
}

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
    ...before, state: stateAfter(before.state, e), epoch: e.epoch, offset: e.offset,
    progress: { ...before.progress, done: (before.progress.done ?? 0) + done }, ...(e.type in ENDS && { ended_at: e.at }),
  };
}

/** @param {Extract<Event, { type: "execution.queued" }>} e @returns {Execution} */
const firstSummary = ({ execution, epoch, offset, at, by, data }) => ({
  id: execution, crew: data.crew, title: data.title, state: "queued", inputs: data.inputs, checkpoints: data.checkpoints, owner: by ?? null, created_at: at,
  epoch, offset, attempt: 1, progress: { done: 0, total: data.tasks.length }, tasks: [], usage: NO_USAGE, waited: 0,
});

