/**
 * What a client knows, and how each frame changes it: pure functions, no I/O, no clock.
 * @import { Checkpoint, Crew, Execution, Event, ServerFrame, Welcome } from "./protocol.js"
 * @import { CheckpointView, ExecutionView, Self, State } from "./types.js"
 */
import { decideOn, offered } from "./checkpoint.js";
import { advance, listen } from "./execution.js";
import { fromSnapshot } from "./snapshot.js";
import { summarise } from "./summary.js";

/** So many connections that this client had are remembered. */
const FORMER = 8;

/** @type {State} */
export const initialState = Object.freeze({
  executions: {},
  checkpoints: {},
  summaries: {},
  watched: {},
  refused: {},
  crews: [],
  self: {},
});

/**
 * Gives the state after one frame; a duplicate, or a frame of a newer server, gives the same object back.
 * @param {State} state
 * @param {ServerFrame} frame
 * @returns {State}
 */
export function reduce(state, frame) {
  if (frame.type.includes(".")) return event(state, /** @type {Event} */ (frame));
  switch (frame.type) {
    case "snapshot":
      return snapshot(state, frame);
    case "synced":
      return synced(state, frame);
    case "delta":
      return withExecution(state, frame.execution, (run) => listen(run, frame));
    case "presence":
      return withCheckpoint(state, frame.checkpoint, (c) => (c.state === "open" ? { ...c, viewers: frame.viewers } : c));
    case "welcome":
      return { ...state, self: greeted(state.self, frame) };
    default:
      return state;
  }
}

/** A server that died may still name the connection that this client had there. @param {Self} self @param {Welcome} frame @returns {Self} */
const greeted = ({ connection: last, former = [] }, { connection, principal, auth, rights }) => ({
  connection,
  person: principal,
  isOpen: auth === "open",
  rights,
  ...(last && last !== connection && { former: [last, ...former].slice(0, FORMER) }),
});

/**
 * Marks an execution as watched; until `synced`, events that run ahead are left to the replay.
 * @param {State} state
 * @param {string} id
 * @returns {State}
 */
export function follow(state, id) {
  const { [id]: _, ...refused } = state.refused;
  return { ...state, refused, watched: { ...state.watched, [id]: "catching-up" } };
}

/**
 * Forgets that an execution is watched; what is known about it stays.
 * @param {State} state
 * @param {string} id
 * @returns {State}
 */
export function unfollow(state, id) {
  const { [id]: _, ...watched } = state.watched;
  return { ...state, watched };
}

/**
 * Notes why an execution cannot be watched (any more); its questions are over.
 * @param {State} state
 * @param {string} id
 * @param {{ code: string, message: string }} why
 * @returns {State}
 */
export function refuse(state, id, { code, message }) {
  return { ...closeOthers(state, id, []), refused: { ...state.refused, [id]: { code, message } } };
}

/**
 * Takes in the open checkpoints that a `watch` or a `list` answered.
 * @param {State} state
 * @param {readonly Checkpoint[]} open
 * @param {boolean} every these are all there are: others count as over
 * @returns {State}
 */
export function offer(state, open, every = false) {
  /** @type {Record<string, CheckpointView>} */ const checkpoints = { ...state.checkpoints };
  const named = new Set(open.map((c) => c.id));
  if (every)
    for (const c of Object.values(checkpoints))
      if (c.state === "open" && !named.has(c.id)) checkpoints[c.id] = { ...c, state: "withdrawn" };
  for (const c of open) checkpoints[c.id] = offered(checkpoints[c.id], c);
  return { ...state, checkpoints };
}

/**
 * Takes in a page of the list of executions.
 * @param {State} state
 * @param {readonly Execution[]} executions
 * @returns {State}
 */
export function list(state, executions) {
  const newer = executions.filter((e) => !isOlder(e, state.summaries[e.id]));
  return newer.length
    ? { ...state, summaries: { ...state.summaries, ...Object.fromEntries(newer.map((e) => [e.id, e])) } }
    : state;
}

/**
 * Whether the server takes a command from this person; about an execution whose owner is not known, it may.
 * @param {State} state
 * @param {string} command
 * @param {string} [execution]
 */
export function mayGive({ self: { rights, person }, summaries }, command, execution = "") {
  if (!rights || rights.any.includes(command)) return true;
  const owner = summaries[execution]?.owner;
  return rights.own.includes(command) && (!owner || owner.id === person?.id);
}

/** Takes in the catalogue. @param {State} state @param {readonly Crew[]} crews @returns {State} */
export function catalogue(state, crews) {
  return { ...state, crews };
}

/** @param {State} state @param {Event} e @returns {State} */
function event(state, e) {
  const before = state.executions[e.execution];
  const headlines = headline(state, e);
  if (!state.watched[e.execution]) return headlines;
  const place = placeOf(before, e);
  if (place === "duplicate") return state;
  if (place === "ahead")
    return state.watched[e.execution] === "live" ? missing(headlines, e.execution, e.offset) : headlines;
  const after = advance(place === "first" ? undefined : before, e);
  if (!after) return state;
  const { missing: _, ...known } = after;
  const next = {
    ...headlines,
    executions: { ...state.executions, [e.execution]: { ...known, epoch: e.epoch, offset: e.offset } },
  };
  return settle({ ...next, checkpoints: decideOn(next.checkpoints, e) }, e);
}

/**
 * Where an event stands: `next` in order, `first` of a (new) log, a `duplicate`, or `ahead` of what is known.
 * @param {ExecutionView | undefined} run
 * @param {Event} e
 */
function placeOf(run, e) {
  if (!run || run.epoch !== e.epoch) return e.offset === 1 ? "first" : "ahead";
  if (e.offset <= run.offset) return "duplicate";
  return e.offset === run.offset + 1 ? "next" : "ahead";
}

/**
 * What an event tells about an execution that is only listed.
 * @param {State} state
 * @param {Event} e
 * @returns {State}
 */
function headline(state, e) {
  const known = state.summaries[e.execution];
  if (known && isOlder(e, known)) return state;
  const summary = summarise(known, e);
  const checkpoints = state.watched[e.execution] ? state.checkpoints : decideOn(state.checkpoints, e);
  const next = {
    ...state,
    checkpoints,
    summaries: summary ? { ...state.summaries, [e.execution]: summary } : state.summaries,
  };
  return state.watched[e.execution] ? next : settle(next, e);
}

/**
 * An execution waits exactly while one of its checkpoints is open.
 * @param {State} state
 * @param {Event} e
 * @returns {State}
 */
function settle(state, e) {
  if (!e.type.startsWith("checkpoint.") && e.type !== "execution.resumed" && e.type !== "execution.recovered")
    return state;
  const waiting = Object.values(state.checkpoints).some((c) => c.execution === e.execution && c.state === "open");
  const now = waiting ? "waiting" : "running",
    run = state.executions[e.execution],
    summary = state.summaries[e.execution];
  const moves = (/** @type {string} */ s) => s === "queued" || s === "running" || s === "waiting";
  return {
    ...state,
    executions: run && moves(run.state) ? { ...state.executions, [run.id]: { ...run, state: now } } : state.executions,
    summaries:
      summary && moves(summary.state)
        ? { ...state.summaries, [summary.id]: { ...summary, state: now } }
        : state.summaries,
  };
}

/** @param {{ epoch: string, offset: number }} a @param {{ epoch: string, offset: number } | undefined} b */
const isOlder = (a, b) => b !== undefined && a.epoch === b.epoch && a.offset <= b.offset;

/** @param {State} state @param {string} id @param {number} until @returns {State} */
function missing(state, id, until) {
  return withExecution(state, id, (run) => ({ ...run, missing: { from: run.offset + 1, to: until } }));
}

/** @param {State} state @param {Extract<ServerFrame, { type: "snapshot" }>} frame @returns {State} */
function snapshot(state, { execution, checkpoints, epoch, offset }) {
  const before = state.executions[execution.id];
  if (before && before.epoch === epoch && before.offset > offset) return state;
  const known = offer(closeOthers(state, execution.id, checkpoints), checkpoints);
  const run = fromSnapshot(before?.epoch === epoch ? before : undefined, { ...execution, epoch, offset }, checkpoints);
  return list({ ...known, executions: { ...known.executions, [execution.id]: run } }, [
    { ...execution, epoch, offset },
  ]);
}

/**
 * Of an execution, only the checkpoints named are open: the others are over.
 * @param {State} state
 * @param {string} id
 * @param {readonly Checkpoint[]} open
 * @returns {State}
 */
function closeOthers(state, id, open) {
  const over = Object.values(state.checkpoints).filter(
    (c) => c.execution === id && c.state === "open" && !open.some((o) => o.id === c.id),
  );
  return {
    ...state,
    checkpoints: { ...state.checkpoints, ...Object.fromEntries(over.map((c) => [c.id, { ...c, state: "withdrawn" }])) },
  };
}

/** @param {State} state @param {Extract<ServerFrame, { type: "synced" }>} frame @returns {State} */
function synced(state, { execution, epoch, offset }) {
  if (!state.watched[execution]) return state;
  const live = /** @type {State} */ ({ ...state, watched: { ...state.watched, [execution]: "live" } });
  const run = state.executions[execution];
  return run && (run.epoch !== epoch || run.offset < offset) ? missing(live, execution, offset) : live;
}

/** @param {State} state @param {string} id @param {(run: ExecutionView) => ExecutionView} change @returns {State} */
function withExecution(state, id, change) {
  const run = state.executions[id];
  const after = run && change(run);
  return after === run || !after ? state : { ...state, executions: { ...state.executions, [id]: after } };
}

/** @param {State} state @param {string} id @param {(c: CheckpointView) => CheckpointView} change @returns {State} */
function withCheckpoint(state, id, change) {
  const known = state.checkpoints[id];
  return known ? { ...state, checkpoints: { ...state.checkpoints, [id]: change(known) } } : state;
}
