/**
 * How one execution looks after an event.
 * @import { Checkpoint, Delta, Event, LlmCompleted, Usage } from "./protocol.js"
 * @import { ExecutionView, Stream, TaskView } from "./types.js"
 */
import { record } from "./items.js";
import { ENDS, humanise, isParkedAfter, stateAfter } from "./states.js";

/**
 * Applies the next event of the log.
 * @param {ExecutionView | undefined} before `undefined` at the start of a log
 * @param {Event} e
 * @returns {ExecutionView | undefined} `undefined` when the log does not begin as logs do
 */
export function advance(before, e) {
  const run = e.type === "execution.queued" ? queued(e) : before;
  if (!run) return undefined;
  const state = stateAfter(run.state, e),
    endedAt = e.type in ENDS ? e.at : run.endedAt,
    parked = isParkedAfter(run.parked ?? false, e);
  return work({ ...run, state, endedAt, parked, items: record(run.items, e) }, e);
}

/** @param {ExecutionView} run @param {Event} e @returns {ExecutionView} */
function work(run, e) {
  switch (e.type) {
    case "task.started":
      return task(run, e.data, { state: "running", agent: e.data.agent, round: e.data.round }, (w) => begin(w, e.at));
    case "task.completed":
      return task(
        settled(run, e.data.task),
        e.data,
        { state: "completed", agent: e.data.agent, usage: e.data.usage, file: e.data.file },
        (w) => end(w, e.at),
      );
    case "task.failed":
      return task(settled(run, e.data.task), e.data, { state: "failed" }, (w) => end(w, e.at));
    case "task.skipped":
      return task(settled(run, e.data.task), e.data, { state: "skipped" }, (w) => end(w, e.at));
    case "llm.completed":
      return { ...run, usage: spend(run.usage, e.data) };
    case "checkpoint.opened":
      return asked(run, e.data.checkpoint, e.at);
    case "checkpoint.decided":
      return answered(run, e.data.checkpoint, e.at);
    case "execution.completed":
      return ended({ ...run, output: e.data.output, usage: e.data.usage, waited: e.data.waited }, e);
    case "execution.failed":
      return ended({ ...run, error: e.data.error }, e);
    case "execution.stopped":
    case "execution.cancelled":
      return ended(run, e);
    default:
      return run;
  }
}

/** @param {Extract<Event, { type: "execution.queued" }>} e @returns {ExecutionView} */
function queued(e) {
  const { crew, title, inputs, tasks, conversation, forked_from: forkedFrom } = e.data;
  return {
    id: e.execution,
    crew,
    title,
    inputs,
    conversation,
    forkedFrom,
    state: "queued",
    epoch: e.epoch,
    offset: 0,
    createdAt: e.at,
    items: [],
    streams: {},
    held: {},
    usage: {},
    tasks: tasks.map((t, index) => ({
      name: t.name,
      index,
      title: t.title ?? humanise(t.name),
      agent: t.agent,
      state: "pending",
      round: 1,
      work: [],
    })),
  };
}

/**
 * Changes a task, adding one that was not announced.
 * @param {ExecutionView} run
 * @param {{ task: string, index?: number }} which
 * @param {Partial<TaskView>} change
 * @param {(work: TaskView["work"]) => TaskView["work"]} times
 * @returns {ExecutionView}
 */
function task(run, { task: name, index = run.tasks.length }, change, times) {
  const known = run.tasks.find((t) => t.name === name) ?? {
    name,
    index,
    title: humanise(name),
    state: "pending",
    round: 1,
    work: [],
  };
  const given = Object.fromEntries(Object.entries(change).filter(([, v]) => v !== undefined && v !== null));
  const after = { ...known, ...given, work: times(known.work) };
  const others = run.tasks.filter((t) => t.name !== name);
  return { ...run, tasks: [...others, after].sort((a, b) => a.index - b.index) };
}

/** @param {TaskView["work"]} work @param {string} at */
const begin = (work, at) => (work.at(-1) && work.at(-1)?.to === undefined ? work : [...work, { from: Date.parse(at) }]);
/** @param {TaskView["work"]} work @param {string} at */
const end = (work, at) => work.map((w) => (w.to === undefined ? { ...w, to: Date.parse(at) } : w));

/**
 * A question to people stops the crew's clock of its task.
 * @param {ExecutionView} run
 * @param {Checkpoint} c
 * @param {string} at
 * @returns {ExecutionView}
 */
function asked(run, c, at) {
  const known = run.tasks.find((t) => t.name === c.task);
  if (!known) return run;
  const working = known.work.at(-1)?.to === undefined && known.work.length > 0;
  const paused = working && c.kind !== "task.after" ? { ...run.held, [c.id]: known.name } : run.held;
  const heard = c.kind === "task.after" ? settled(run, known.name) : run;
  return working ? { ...task(heard, { task: known.name }, {}, (w) => end(w, at)), held: paused } : heard;
}

/**
 * The answer to a question in the middle of a task starts its clock again.
 * @param {ExecutionView} run
 * @param {string} id
 * @param {string} at
 * @returns {ExecutionView}
 */
function answered(run, id, at) {
  const { [id]: name, ...held } = run.held;
  return name ? { ...task(run, { task: name }, {}, (w) => begin(w, at)), held } : run;
}

/** @param {ExecutionView} run @param {Event} e @returns {ExecutionView} */
const ended = (run, e) => ({
  ...run,
  streams: {},
  held: {},
  tasks: run.tasks.map((t) =>
    t.work.at(-1)?.to === undefined && t.work.length ? { ...t, work: end(t.work, e.at) } : t,
  ),
});

/**
 * The whole text of a task has come: its streamed pieces go.
 * @param {ExecutionView} run
 * @param {string} name
 * @returns {ExecutionView}
 */
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
  if (d.task && run.tasks.some((t) => t.name === d.task && (t.state === "completed" || t.state === "skipped")))
    return run;
  const others = known || !d.task ? run.streams : settled(run, d.task).streams;
  /** @type {Stream} */ const stream = {
    stream: d.stream,
    task: d.task,
    agent: d.agent,
    text: (known?.text ?? "") + d.text,
    next: d.index + 1,
    holed: Boolean(known?.holed) || d.index > (known?.next ?? 0),
  };
  return { ...run, streams: { ...others, [d.stream]: stream } };
}

/** Counts a call; one that was replayed cost nothing. @param {any} a @param {LlmCompleted} call @returns {Usage} */
function spend(a, { usage, replayed }) {
  const { cost, ...used } = replayed ? { replayed: 1 } : { ...usage, calls: 1 },
    sum = { ...a };
  for (const [k, n] of Object.entries(used)) sum[k] = (sum[k] ?? 0) + n;
  if (cost) {
    const before = a.cost?.currency === cost.currency ? a.cost : { amount: 0, unpriced: a.calls ?? 0 };
    sum.cost = { ...cost, amount: (+before.amount + +cost.amount).toFixed(9), unpriced: before.unpriced };
  } else if (a.cost && !replayed) sum.cost = { ...a.cost, unpriced: a.cost.unpriced + 1 };
  return sum;
}
