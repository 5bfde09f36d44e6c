/**
 * What events do to the checkpoints a client knows. A draft has versions; an older one never replaces a newer.
 * @import { Event, Checkpoint } from "./protocol.js"
 * @import { CheckpointView } from "./types.js"
 */
import { ENDS } from "./states.js";

/**
 * Puts what the server offers as open over what is known.
 * @param {CheckpointView | undefined} known
 * @param {Checkpoint} open
 * @returns {CheckpointView}
 */
export function offered(known, open) {
  if (known && known.version > open.version) return known;
  const { decision: _, ...kept } = known ?? { decision: undefined };
  const isNew = !known || known.version < open.version || known.waits.length === 0;
  const waits = isNew ? [...(known?.waits ?? []), { from: Date.parse(open.opened_at) }] : known.waits;
  return { viewers: [], ...kept, ...open, waits };
}

/**
 * @param {Readonly<Record<string, CheckpointView>>} all
 * @param {Event} e
 * @returns {Readonly<Record<string, CheckpointView>>}
 */
export function decideOn(all, e) {
  if (e.type in ENDS) return withdrawAll(all, e);
  if (!e.type.startsWith("checkpoint.")) return all;
  if (e.type === "checkpoint.opened") return opened(all, e);
  const data = /** @type {{ checkpoint: string, version?: number } & Record<string, any>} */ (e.data),
    known = all[data.checkpoint];
  if (!known || (data.version !== undefined && data.version < known.version)) return all;
  const after = change(known, e, data);
  return after === known ? all : { ...all, [known.id]: after };
}

/** @param {Readonly<Record<string, CheckpointView>>} all @param {Extract<Event, { type: "checkpoint.opened" }>} e */
function opened(all, e) {
  const { checkpoint } = e.data,
    known = all[checkpoint.id];
  const after = offered(known, checkpoint);
  if (after === known) return all;
  const last = after.waits.at(-1),
    again = known && known.version < checkpoint.version;
  return {
    ...all,
    [after.id]: again && last ? { ...after, waits: [...after.waits.slice(0, -1), { from: Date.parse(e.at) }] } : after,
  };
}

/** @param {CheckpointView} c @param {Event} e @param {Record<string, any>} data @returns {CheckpointView} */
function change(c, e, data) {
  switch (e.type) {
    case "checkpoint.decided":
      return close({ ...c, decision: decision(e, data) }, data["action"] === "revise" ? "revising" : "decided", e.at);
    case "checkpoint.expired":
      return close(c, "expired", e.at);
    case "checkpoint.withdrawn":
      return close(c, "withdrawn", e.at);
    case "checkpoint.extended":
      return data["deadline"] ? { ...c, deadline: data["deadline"] } : c;
    default:
      return c;
  }
}

/** @param {Event} e @param {Record<string, any>} data */
const decision = (e, data) => ({
  action: String(data["action"]),
  version: Number(data["version"]),
  at: e.at,
  ...(e.by && { by: e.by }),
  ...(data["feedback"] && { feedback: String(data["feedback"]) }),
});

/** @param {CheckpointView} c @param {Checkpoint["state"]} state @param {string} at @returns {CheckpointView} */
const close = (c, state, at) => ({
  ...c,
  state,
  viewers: [],
  waits: c.waits.map((w) => (w.to === undefined ? { ...w, to: Date.parse(at) } : w)),
});

/** @param {Readonly<Record<string, CheckpointView>>} all @param {Event} e */
function withdrawAll(all, e) {
  const open = Object.values(all).filter(
    (c) => c.execution === e.execution && (c.state === "open" || c.state === "revising"),
  );
  return open.length ? { ...all, ...Object.fromEntries(open.map((c) => [c.id, close(c, "withdrawn", e.at)])) } : all;
}
