/**
 * Which executions a client follows: resumed on each connection, repaired where events were lost.
 * @import { Command, ServerFrame } from "./protocol.js"
 * @import { State } from "./types.js"
 */
import { CommandError } from "./commands.js";
import { once } from "./pace.js";
import { follow, offer, refuse, unfollow } from "./store.js";

/** Refusals of a `watch` that asking again will not change. */
const FINAL = new Set(["not_found", "forbidden", "bad_field", "unauthenticated"]);

/**
 * What watching needs of its client. `session` sends a command that ends with the connection.
 * @typedef {object} Ground
 * @property {(command: Command) => Promise<any>} session
 * @property {() => State} read
 * @property {(state: State) => void} write
 * @property {() => boolean} isOpen
 */

/** @param {Ground} ground @param {{ min: number, max: number }} backoff @param {() => number} random */
export function createWatching({ session, read, write, isOpen }, backoff, random) {
  /** How many hold each execution. @type {Map<string, number>} */ const holders = new Map();
  /** Executions asked for on this connection. @type {Set<string>} */ const asked = new Set();
  /** How often each was repaired in vain. @type {Map<string, number>} */ const repairs = new Map();

  const isWanted = (/** @type {string} */ id) => isOpen() && holders.has(id);

  /** Asks for an execution from where it is known to, else from its start. @param {string} id */
  async function ask(id) {
    const known = read().executions[id];
    asked.add(id);
    write(follow(read(), id));
    try {
      const after = known ? { epoch: known.epoch, offset: known.offset } : /** @type {const} */ ("start");
      const { checkpoints } = await session({ type: "watch", execution: id, after });
      if (holders.has(id)) write(offer(read(), checkpoints));
    } catch (e) {
      if (!(e instanceof CommandError)) throw e;
      if (FINAL.has(e.code)) write(refuse(read(), id, e));
      else if (e.retry)
        setTimeout(
          () => {
            if (isWanted(id)) ask(id);
          },
          (e.retryAfter ?? 1) * 1000,
        );
    }
  }

  /**
   * Events were pushed past us: asks again from the last good one, more slowly each time it is in vain.
   * @param {string} id
   */
  function repair(id) {
    const tries = repairs.get(id) ?? 0;
    repairs.set(id, tries + 1);
    write(follow(read(), id));
    const pause = tries === 0 ? 0 : random() * Math.min(backoff.max, backoff.min * 2 ** tries);
    setTimeout(() => {
      if (isWanted(id)) ask(id);
    }, pause);
  }

  /** @param {string} id */
  function letGo(id) {
    if (holders.get(id) !== 0) return;
    holders.delete(id);
    asked.delete(id);
    write(unfollow(read(), id));
    if (isOpen()) session({ type: "unwatch", execution: id }).catch(() => undefined);
  }

  return {
    /** Follows an execution until the returned function is called. Counted. @param {string} id */
    watch(id) {
      holders.set(id, (holders.get(id) ?? 0) + 1);
      if (isOpen() && !asked.has(id)) ask(id);
      return once(() => {
        holders.set(id, (holders.get(id) ?? 1) - 1);
        queueMicrotask(() => letGo(id)); // a component that mounts again in the same tick keeps it
      });
    },
    /** An execution that the server lets this connection watch since its start. @param {string} id */
    begun(id) {
      asked.add(id);
      write(follow(read(), id));
    },
    /** Prepares for a new connection; the returned function asks for everything on it. */
    renew() {
      asked.clear();
      const wanted = [...holders.keys()];
      return () => {
        for (const id of wanted) ask(id);
      };
    },
    /**
     * Looks whether a frame left a hole in its execution, or closed one.
     * @param {string} id
     * @param {ServerFrame} frame
     */
    check(id, frame) {
      const { executions, watched } = read();
      if (watched[id] === "live" && (!executions[id] || executions[id].missing)) repair(id);
      else if (frame.type === "synced") repairs.delete(id);
    },
  };
}
