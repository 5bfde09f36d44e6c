/**
 * An execution's frames in the order of its log, each event once, however often the connection was lost meanwhile.
 * @import { Client } from "../../client/index.js"
 * @import { Event, Position, ServerFrame } from "../../client/protocol.js"
 */
import { CommandError } from "../../client/commands.js";

/** Keeps what comes, until somebody knows which execution it is about. @param {Client} client */
export function listen(client) {
  /** @type {ServerFrame[]} */ const kept = [];
  let take = (/** @type {ServerFrame} */ frame) => void kept.push(frame);
  const stop = client.on("*", (frame) => take(frame));

  return {
    stop,
    /**
     * Gives frames of an execution from behind a position on, to `f`, until that tells that it is enough.
     * @param {string} id
     * @param {Position} position
     * @param {(frame: ServerFrame) => boolean} f
     * @param {AbortSignal} signal
     * @returns {Promise<void>}
     */
    follow(id, position, f, signal) {
      const isNext = createOrder(id, position);
      return new Promise((resolve, reject) => {
        const stops = [client.watch(id), client.subscribe(look)];
        const done = (/** @type {() => void} */ settle) => {
          take = () => {};
          signal.removeEventListener("abort", abort);
          for (const each of stops) each();
          settle();
        };
        const abort = () => done(() => reject(signal.reason));
        signal.addEventListener("abort", abort);
        take = (frame) => {
          if (isNext(frame) && f(frame)) done(resolve);
        };
        for (const frame of kept.splice(0)) take(frame);
        look();

        /** The server may not want us back, or to tell of this execution. */
        function look() {
          const connection = client.getConnection(),
            refused = client.getState().refused[id];
          if (connection.phase === "closed") done(() => reject(new CommandError("disconnected", connection.reason ?? "The connection ended")));
          else if (refused) done(() => reject(new CommandError(refused.code, refused.message)));
        }
      });
    },
  };
}
/** @typedef {ReturnType<typeof listen>} Listening */

/**
 * Tells which frames are the next ones of an execution. What is behind a hole is left: the client asks for it again.
 * @param {string} id
 * @param {Position} position
 * @returns {(frame: ServerFrame) => boolean}
 */
export function createOrder(id, { epoch, offset }) {
  return (frame) => {
    if (frame.type === "snapshot") {
      if (frame.execution.id !== id || (frame.epoch === epoch && frame.offset <= offset)) return false;
      ({ epoch, offset } = frame);
      return true;
    }
    if (!("execution" in frame) || frame.execution !== id) return false;
    if (!frame.type.includes(".")) return frame.type === "delta";
    const e = /** @type {Event} */ (frame);
    if (e.epoch === epoch ? e.offset !== offset + 1 : e.offset !== 1) return false;
    ({ epoch, offset } = e);
    return true;
  };
}
