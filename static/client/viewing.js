/**
 * What a client looks at, told to the others: when it changes, not too often, and again on each connection.
 * @import { View } from "./protocol.js"
 * @import { Ground } from "./watching.js"
 */

/** Of one checkpoint there is at most one word in so many milliseconds, but for the first and the last. */
const PAUSE = 5_000;

/** @typedef {{ view: Omit<View, "id">, said: View["state"], at: number, timer?: ReturnType<typeof setTimeout> }} Seat */

/** @param {Pick<Ground, "session" | "isOpen">} ground */
export function createViewing({ session, isOpen }) {
  /** @type {Map<string, Seat>} */ const seats = new Map();

  /** @param {Seat} seat */
  function say(seat) {
    seat.said = seat.view.state;
    seat.at = Date.now();
    if (isOpen()) session(seat.view).catch(() => undefined); // it may be decided already: then nobody is to know
  }

  /** @param {string} checkpoint */
  function settle(checkpoint) {
    const seat = seats.get(checkpoint);
    if (!seat) return;
    clearTimeout(seat.timer);
    const { state } = seat.view,
      pause = seat.at + PAUSE - Date.now();
    if (state === null) seats.delete(checkpoint);
    if (state === seat.said) return;
    if (state === null || seat.said === null || pause <= 0) say(seat);
    else seat.timer = setTimeout(settle, pause, checkpoint);
  }

  return {
    /**
     * Tells the others at an open checkpoint that one looks or writes there, until it is said with `null`.
     * @param {Omit<View, "type" | "id">} view
     */
    view({ execution, checkpoint, state }) {
      const view = /** @type {const} */ ({ type: "view", execution, checkpoint, state });
      const known = seats.get(checkpoint);
      if (known) known.view = view;
      else seats.set(checkpoint, { view, said: null, at: 0 });
      queueMicrotask(() => settle(checkpoint)); // a component that mounts again in the same tick has never left
    },
    /** Says it all on a new connection. */
    renew() {
      for (const seat of seats.values()) say(seat);
    },
  };
}
