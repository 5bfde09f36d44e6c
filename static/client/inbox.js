/**
 * Everything that waits for a person, with the newest executions and the crews.
 * @import { Ground } from "./watching.js"
 */
import { CommandError } from "./commands.js";
import { once } from "./pace.js";
import { catalogue, list, offer } from "./store.js";

/** Events of executions that no list named come in bursts: one list answers them all, in milliseconds. */
const BURST = 250;

/** @param {Ground} ground */
export function createInbox({ session, read, write, isOpen }) {
  let holders = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let relist;

  async function open() {
    if (!holders || !isOpen()) return;
    try {
      const [inbox, executions, crews] = await Promise.all([
        session({ type: "watch", inbox: true }),
        session({ type: "list", what: "executions" }),
        session({ type: "list", what: "crews" }),
      ]);
      const { older = executions.next } = read(); // what was paged to before is known still
      write({ ...catalogue(list(offer(read(), inbox.checkpoints, true), executions.items), crews.items), older });
    } catch (e) {
      if (!(e instanceof CommandError)) throw e;
      if (e.retry) setTimeout(open, (e.retryAfter ?? 1) * 1000);
      else if (e.code !== "disconnected") write({ older: "", ...read() }); // the next connection asks afresh
    }
  }

  return {
    open,
    /** Keeps the inbox until the returned function is called. Counted. */
    hold() {
      if (++holders === 1) open();
      return once(() => {
        if (--holders === 0 && isOpen()) session({ type: "unwatch", inbox: true }).catch(() => undefined);
      });
    },
    /** Lists the next older executions, where `getState().older` says that there are some. */
    async older() {
      const { older: cursor } = read();
      if (!cursor) return;
      const page = await session({ type: "list", what: "executions", cursor });
      write({ ...list(read(), page.items), older: page.next ?? "" });
    },
    /** Lists the executions again when an event names one that is not listed. @param {string} id */
    heard(id) {
      if (!holders || read().summaries[id]) return;
      relist ??= setTimeout(async () => {
        relist = undefined;
        const page = await session({ type: "list", what: "executions" }).catch(() => undefined);
        if (page) write(list(read(), page.items));
      }, BURST);
    },
  };
}
