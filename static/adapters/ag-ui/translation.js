/**
 * An execution's frames as the events of one AG-UI run, which ends at the next checkpoint. No I/O; the same events as the
 * server's `POST /ag-ui/{crew}` sends: a table of both (`tests/golden/agui.json`) holds them together.
 * @import { Checkpoint, Event, Execution, ExecutionCompleted, ServerFrame, Snapshot } from "../../client/protocol.js"
 * @import { AgEvent, Said } from "./conversation.js"
 */
import { OVER } from "../../client/states.js";
import { createConversation } from "./conversation.js";
import { callOf, interruptOf } from "./interrupts.js";

/** Checkpoints whose draft is what a task has written. */
const DRAFTS = new Set(["task.after", "task.input"]);

/**
 * @param {object} o
 * @param {string} o.thread
 * @param {string} o.run
 * @param {Execution} o.execution
 * @param {readonly Said[]} o.messages what was said before
 */
export function createTranslation({ thread, run, execution, messages }) {
  const talk = createConversation(execution.id, messages);
  let isOver = false,
    state = /** @type {string} */ (execution.state),
    tasks = tasksOf(execution);
  /** @type {Set<string>} */ const steps = new Set();
  /** @type {Map<string, Checkpoint>} */ let open = new Map();

  const snapshot = () => ({
    type: "STATE_SNAPSHOT",
    snapshot: { execution: execution.id, crew: execution.crew, state, tasks: { ...tasks }, checkpoints: [...open.keys()] },
  });
  const history = () => ({ type: "MESSAGES_SNAPSHOT", messages: talk.messages() });

  /** @param {string} task @returns {AgEvent[]} */
  const stepOver = (task) => (steps.delete(task) ? [{ type: "STEP_FINISHED", stepName: task }] : []);
  /** What was opened is closed before the run ends. @returns {AgEvent[]} */
  const close = () => [...talk.close(), ...[...steps].reverse().flatMap(stepOver)];

  /** @param {string} next @param {object} outcome @param {object} [result] @returns {AgEvent[]} */
  function end(next, outcome, result) {
    state = next;
    const told = [...close(), snapshot(), history()];
    isOver = true;
    return [...told, { type: "RUN_FINISHED", threadId: thread, runId: run, outcome, ...(result && { result }) }];
  }

  /** @param {{ message: string, code: string }} why @returns {AgEvent[]} */
  function fail({ message, code }) {
    const told = close();
    isOver = true;
    return [...told, { type: "RUN_ERROR", message, code }];
  }

  /** Tells of the calls that people are asked to approve. @returns {AgEvent[]} */
  const calls = () =>
    [...open.values()].flatMap((asked) => {
      const tool = callOf(asked);
      return tool ? talk.called(tool.call, tool.name, tool.arguments) : [];
    });

  /** Ends the run with all that waits for a person. @param {readonly Checkpoint[]} [waiting] what does, when that was read anew */
  function interrupt(waiting) {
    if (waiting) open = byId(waiting);
    const told = calls();
    return [...told, ...end("waiting", { type: "interrupt", interrupts: [...open.values()].map(interruptOf) })];
  }

  /** Ends the run of an execution that had ended before. @param {Execution} known @returns {AgEvent[]} */
  function ended(known) {
    if (known.error) return fail(known.error);
    if (known.state === "completed") return end("completed", { type: "success" }, { output: known.output ?? null });
    return end(known.state, { type: "cancelled" }, { state: known.state });
  }

  /** Goes on where the log begins anew: what was open may not be any more. @param {Snapshot} frame */
  function restored(frame) {
    open = byId(frame.checkpoints.filter((asked) => asked.state === "open"));
    tasks = tasksOf(frame.execution);
    if (OVER.has(frame.execution.state)) return [...close(), ...ended(frame.execution)];
    return open.size ? interrupt() : [];
  }

  /** @param {Event} e @returns {AgEvent[]} */
  function told(e) {
    switch (e.type) {
      case "task.started":
        tasks[e.data.task] = state = "running";
        if (steps.has(e.data.task)) return [];
        steps.add(e.data.task);
        return [{ type: "STEP_STARTED", stepName: e.data.task }];
      case "task.completed":
        tasks[e.data.task] = "completed";
        return [...talk.said(e.data), ...stepOver(e.data.task)];
      case "task.failed":
      case "task.skipped":
        tasks[e.data.task] = e.type.slice("task.".length);
        return stepOver(e.data.task);
      case "llm.completed":
        return talk.textOver(e.data.stream);
      case "tool.started":
        return talk.called(e.data.call, e.data.tool, e.data.arguments);
      case "tool.completed":
      case "tool.failed":
        return [talk.result(e.data)];
      case "checkpoint.opened":
        open.set(e.data.checkpoint.id, e.data.checkpoint);
        return [...(DRAFTS.has(e.data.checkpoint.kind) ? talk.drafted(e.data.checkpoint) : []), ...interrupt()];
      case "checkpoint.decided":
      case "checkpoint.expired":
      case "checkpoint.withdrawn":
        open.delete(e.data.checkpoint);
        return [custom(e), ...(open.size ? interrupt() : [])];
      case "execution.parked":
        return e.data.waiting_for?.length && open.size ? interrupt() : [];
      case "execution.completed":
        return end("completed", { type: "success" }, resultOf(e.data));
      case "execution.failed":
        state = "failed";
        return fail(e.data.error);
      case "execution.stopped":
      case "execution.cancelled":
        return end(e.type.slice("execution.".length), { type: "cancelled" }, { state: e.type.slice("execution.".length) });
      case "execution.recovered":
      case "execution.paused":
      case "execution.resumed":
      case "journal.missed":
        return [custom(e)];
      default:
        return [];
    }
  }

  return {
    isOver: () => isOver,
    interrupt,
    ended,
    /** Ends the run of somebody who wants no answer given: nothing is decided, the execution goes on waiting. */
    giveUp: () => end(state, { type: "cancelled" }),
    /**
     * Begins. Where results of calls are to come, says again of what.
     * @param {readonly Checkpoint[]} [waiting] the checkpoints that are open already
     * @returns {AgEvent[]}
     */
    begin(waiting = []) {
      open = byId(waiting);
      calls(); // they were told of in the run before, whether this client remembers that or not
      const begun = { type: "RUN_STARTED", threadId: thread, runId: run, protocolVersion: "1.0" };
      return [begun, ...(talk.hasOpenCalls() ? [history()] : [])];
    },
    /** Translates one frame. @param {ServerFrame} frame @returns {AgEvent[]} */
    take(frame) {
      if (isOver) return [];
      if (frame.type.includes(".")) {
        const e = /** @type {Event} */ (frame),
          metadata = { quarterdeck: { cursor: `${e.epoch}:${e.offset}` } };
        return told(e).map((each) => ({ ...each, metadata }));
      }
      switch (frame.type) {
        case "delta":
          return talk.delta(frame);
        case "snapshot":
          return restored(frame);
        case "error":
          return fail(frame);
        default:
          return [];
      }
    },
  };
}
/** @typedef {ReturnType<typeof createTranslation>} Translation */

/** @param {readonly Checkpoint[]} checkpoints */
const byId = (checkpoints) => new Map(checkpoints.map((asked) => [asked.id, asked]));

/** @param {Execution} known @returns {Record<string, string>} */
const tasksOf = (known) => Object.fromEntries(known.tasks.map((task) => [task.name, task.state]));

/** Tells something that AG-UI has no word for. @param {Event} e @returns {AgEvent} */
const custom = (e) => ({ type: "CUSTOM", name: e.type, value: { data: e.data, at: e.at, ...(e.by && { by: e.by }) } });

/** @param {ExecutionCompleted} done */
const resultOf = (done) => ({
  output: done.output,
  tasks: done.tasks,
  usage: done.usage,
  ...("output_json" in done && { outputJson: done.output_json }),
});
