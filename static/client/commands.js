/**
 * Commands under way: each has an `id`, exactly one answer, a limit, and survives a reconnect where repeating it is safe.
 * @import { Command, Error as Refusal } from "./protocol.js"
 */

/** The server refused a command, or no answer came. `code` says why; `detail` is the server's. */
export class CommandError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ retry?: boolean, retryAfter?: number, detail?: Record<string, unknown> }} [more]
   */
  constructor(code, message, { retry = false, retryAfter, detail = {} } = {}) {
    super(message);
    this.name = "CommandError";
    this.code = code;
    this.retry = retry;
    this.retryAfter = retryAfter;
    this.detail = detail;
  }
}

/**
 * @typedef {object} Pending
 * @property {object} frame
 * @property {(f: () => void) => void} settle
 * @property {(data: any) => void} resolve
 * @property {(e: unknown) => void} reject
 */
/** @typedef {{ signal?: AbortSignal | undefined, timeout?: number | undefined }} Limits */

/** `crypto.randomUUID` is missing on plain http over a LAN; `getRandomValues` is not. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * @param {(frame: object) => void} send
 * @param {() => boolean} isOpen
 */
export function createCommands(send, isOpen) {
  /** @type {Map<number | string, Pending>} */ const pending = new Map();
  let last = 0;

  /**
   * Sends a command now, or as soon as there is a connection.
   * @param {Command} command
   * @param {Limits} [limits] `timeout` in milliseconds, reconnects included
   * @param {(data: any) => void} [heard] called before the next frame is read: where several come at once, as in
   *   node, a promise would tell too late
   * @returns {Promise<any>} the reply's `data`; rejects with `CommandError`, or with the signal's reason
   */
  function request(command, { signal, timeout = 30_000 } = {}, heard = () => {}) {
    const id = ++last;
    return new Promise((settled, reject) => {
      const resolve = (/** @type {any} */ data) => {
        heard(data);
        settled(data);
      };
      if (signal?.aborted) return reject(signal.reason);
      const settle = (/** @type {() => void} */ f) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        if (pending.delete(id)) f();
      };
      const abort = () => settle(() => reject(signal?.reason));
      const timer = setTimeout(
        () => settle(() => reject(new CommandError("timeout", "The server did not answer in time", { retry: true }))),
        timeout,
      );
      signal?.addEventListener("abort", abort, { once: true });
      const entry = { frame: { ...command, id }, settle, resolve, reject };
      pending.set(id, entry);
      if (isOpen()) send(entry.frame);
    });
  }

  return {
    request,
    /** Sends everything unanswered again; keys make the second time harmless. */
    resend() {
      for (const entry of [...pending.values()]) send(entry.frame);
    },
    /** Gives up everything unanswered. @param {CommandError} reason */
    drop(reason) {
      for (const entry of [...pending.values()]) entry.settle(() => entry.reject(reason));
    },
    /** @param {number | string} re @param {unknown} data */
    answer(re, data) {
      const p = pending.get(re);
      p?.settle(() => p.resolve(data));
    },
    /** @param {Refusal} e */
    refuse(e) {
      const p = e.re === undefined || e.re === null ? undefined : pending.get(e.re);
      p?.settle(() =>
        p.reject(
          new CommandError(e.code, e.message, {
            retry: e.retry,
            ...(e.retry_after && { retryAfter: e.retry_after }),
            detail: e.detail ?? {},
          }),
        ),
      );
    },
  };
}
