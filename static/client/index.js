/**
 * The client: one socket, many executions, commands that survive a reconnect. No DOM, no framework.
 * @import { Command, Decide, List, ServerFrame, Start } from "./protocol.js"
 * @import { Connection, State } from "./types.js"
 * @import { Limits } from "./commands.js"
 */
import { CommandError, createCommands, newKey } from "./commands.js";
import { createSocket, IDLE } from "./socket.js";
import { catalogue, follow, initialState, list, offer, reduce, refuse, unfollow } from "./store.js";

export { CommandError, newKey } from "./commands.js";
export { initialState, reduce } from "./store.js";

/** Refusals of a `watch` that asking again will not change. */
const FINAL = new Set(["not_found", "forbidden", "bad_field", "unauthenticated"]);

/**
 * @typedef {object} ClientOptions
 * @property {string | (() => string)} url of the socket, `ws://…/ws`; a function is asked at each attempt
 * @property {() => string | Promise<string>} [token] asked for at each connection that requires it; never put in the URL
 * @property {typeof globalThis.WebSocket} [WebSocket]
 * @property {{ min: number, max: number }} [backoff] milliseconds; full jitter between 0 and min × 2ⁿ
 * @property {() => number} [random]
 */

/**
 * Makes a client. It connects while somebody holds it, and resumes each watched execution where it was.
 * @param {ClientOptions} options
 */
export function createClient({ url, token, WebSocket = globalThis.WebSocket, backoff = { min: 500, max: 30_000 }, random = Math.random }) {
  /** @type {State} */ let state = initialState;
  /** @type {Connection} */ let connection = IDLE;
  let holders = 0, inboxes = 0, skew = 0;
  /** @type {Map<string, number>} */ const watchers = new Map();
  /** Executions asked for on this connection. @type {Set<string>} */ const asked = new Set();
  /** @type {Map<string, number>} */ const repairs = new Map();
  /** @type {Set<() => void>} */ const listeners = new Set();
  /** @type {Map<string, Set<(frame: any) => void>>} */ const handlers = new Map();
  /** @type {ServerFrame[]} */ let deltas = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let relist;

  const socket = createSocket({ url: typeof url === "function" ? url : () => url, WebSocket, backoff, random, receive, changed });
  const isOpen = () => connection.phase === "open";
  const commands = createCommands(socket.send, isOpen);
  const notify = () => { for (const listener of [...listeners]) listener(); };
  const soon = perFrame(() => { flush(); notify(); });

  /** @param {State} next @param {boolean} [later] */
  function set(next, later = false) {
    if (next === state) return;
    state = next;
    if (later) soon(); else notify();
  }

  /** @param {Connection} next */
  function changed(next) {
    connection = next;
    notify();
  }

  /** @param {ServerFrame} frame */
  function receive(frame) {
    if (frame.type === "delta") { deltas.push(frame); return soon(); }
    flush();
    if (frame.type === "welcome") greet(frame);
    else if (frame.type === "reply") commands.answer(frame.re, frame.data);
    else if (frame.type === "error") refused(frame);
    else take(frame);
    for (const f of handlers.get(frame.type) ?? []) f(frame);
  }

  /** @param {Extract<ServerFrame, { type: "error" }>} frame */
  function refused(frame) {
    commands.refuse(frame);
    const gone = frame.code === "not_found" && !frame.re ? frame.detail?.["execution"] : undefined;
    if (typeof gone === "string") set(refuse(state, gone, frame));
  }

  /** Streamed text is put in once per animation frame, and always before the frame that follows it. */
  function flush() {
    const waiting = deltas;
    deltas = [];
    state = waiting.reduce(reduce, state);
  }

  /** @param {ServerFrame} frame */
  function take(frame) {
    const id = "execution" in frame ? (typeof frame.execution === "string" ? frame.execution : frame.execution.id) : undefined;
    set(reduce(state, frame), id !== undefined && state.watched[id] === "catching-up");
    if (id === undefined) return;
    if (inboxes && !state.summaries[id]) relistSoon();
    if (state.executions[id]?.missing && state.watched[id] === "live") repair(id);
    else if (frame.type === "synced") repairs.delete(id);
  }

  /** @param {Extract<ServerFrame, { type: "welcome" }>} frame */
  async function greet({ server_time, auth }) {
    skew = Date.parse(server_time) - Date.now();
    if (auth !== "required") return begin();
    try {
      const secret = await token?.();
      if (!secret) return socket.give(4003, "This server asks who you are");
      const id = `auth-${newKey()}`;
      const done = once(id);
      socket.send({ type: "auth", token: secret, id });
      const answer = await done;
      if (answer.type === "error") return socket.give(answer.retry ? 4101 : 4003, answer.message);
      begin();
    } catch (e) { socket.give(4101, e instanceof Error ? e.message : String(e)); }
  }

  /** The answer to a command that goes out before the session stands. @param {string} id @returns {Promise<Extract<ServerFrame, { type: "reply" | "error" }>>} */
  const once = (id) => new Promise((resolve) => {
    /** @param {Extract<ServerFrame, { type: "reply" | "error" }>} frame */
    const check = (frame) => { if (frame.re === id) { stops.forEach((stop) => stop()); resolve(frame); } };
    const stops = [on("reply", check), on("error", check)];
  });

  /** The session stands: resume what is watched, then say again what was not answered. */
  function begin() {
    const watched = [...watchers.keys()];
    asked.clear();
    commands.resend();
    socket.ready();
    for (const id of watched) askFor(id);
    if (inboxes) openInbox();
  }

  /** @param {string} id */
  async function askFor(id) {
    const known = state.executions[id];
    asked.add(id);
    set(follow(state, id));
    try {
      const after = known ? { epoch: known.epoch, offset: known.offset } : /** @type {const} */ ("start");
      const { checkpoints } = await session({ type: "watch", execution: id, after });
      if (watchers.has(id)) set(offer(state, checkpoints));
    } catch (e) {
      if (e instanceof CommandError && FINAL.has(e.code)) set(refuse(state, id, e));
      else if (e instanceof CommandError && e.retry && isOpen()) setTimeout(() => isOpen() && watchers.has(id) && askFor(id), (e.retryAfter ?? 1) * 1000);
    }
  }

  /** A command that belongs to this connection: a new one asks afresh. @param {Command} command @returns {Promise<any>} */
  function session(command) {
    const ends = new AbortController(), mine = connection;
    const stop = subscribe(() => { if (connection !== mine) ends.abort(new CommandError("disconnected", "The connection ended")); });
    return commands.request(command, { signal: ends.signal }).finally(stop);
  }

  /** Events were pushed past us: ask again from the last good one, more slowly each time it fails. @param {string} id */
  function repair(id) {
    const tries = repairs.get(id) ?? 0;
    repairs.set(id, tries + 1);
    set(follow(state, id));
    setTimeout(() => { if (isOpen() && watchers.has(id)) askFor(id); }, tries === 0 ? 0 : random() * Math.min(backoff.max, backoff.min * 2 ** tries));
  }

  async function openInbox() {
    try {
      const [inbox, executions, crews] = await Promise.all([
        session({ type: "watch", inbox: true }), session({ type: "list", what: "executions" }), session({ type: "list", what: "crews" }),
      ]);
      set(catalogue(list(offer(state, inbox.checkpoints, true), executions.items), crews.items));
    } catch (e) {
      if (e instanceof CommandError && e.retry && isOpen()) setTimeout(() => isOpen() && inboxes && openInbox(), (e.retryAfter ?? 1) * 1000);
    }
  }

  /** Something happened to an execution that no list named yet. */
  function relistSoon() {
    relist ??= setTimeout(async () => {
      relist = undefined;
      const page = await session({ type: "list", what: "executions" }).catch(() => undefined);
      if (page) set(list(state, page.items));
    }, 250);
  }

  /** @param {() => void} listener */
  function subscribe(listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Calls `f` for each frame of one type.
   * @template {ServerFrame["type"]} T
   * @param {T} type
   * @param {(frame: Extract<ServerFrame, { type: T }>) => void} f
   */
  function on(type, f) {
    const all = handlers.get(type) ?? new Set();
    handlers.set(type, all.add(f));
    return () => void all.delete(f);
  }

  return {
    /** Keeps the connection open until the returned function is called. Counted. */
    hold() {
      if (++holders === 1) socket.open();
      return release(() => { if (--holders === 0) queueMicrotask(() => { if (holders === 0) socket.close(); }); });
    },
    /** Follows an execution until the returned function is called. Counted. @param {string} id */
    watch(id) {
      watchers.set(id, (watchers.get(id) ?? 0) + 1);
      if (watchers.get(id) === 1 && isOpen() && !asked.has(id)) askFor(id);
      return release(() => {
        watchers.set(id, (watchers.get(id) ?? 1) - 1);
        queueMicrotask(() => {
          if (watchers.get(id) !== 0) return;
          watchers.delete(id);
          asked.delete(id);
          set(unfollow(state, id));
          if (isOpen()) session({ type: "unwatch", execution: id }).catch(() => undefined);
        });
      });
    },
    /** Follows everything that waits for a person, with the newest executions and the crews. Counted. */
    inbox() {
      if (++inboxes === 1 && isOpen()) openInbox();
      return release(() => { if (--inboxes === 0 && isOpen()) session({ type: "unwatch", inbox: true }).catch(() => undefined); });
    },
    subscribe,
    on,
    getState: () => state,
    getConnection: () => connection,
    /** The server's time in milliseconds: deadlines run on its clock, not on this machine's. */
    now: () => Date.now() + skew,
    /** Tries again at once. */
    retryNow() { if (holders && (connection.phase === "waiting" || connection.phase === "closed")) socket.open(); },

    /**
     * Starts an execution and gives its id. With `watch` (the default) its text streams in from the first word; call `watch(id)` to keep it.
     * @param {Omit<Start, "type" | "id" | "key">} start
     * @param {Limits & { key?: string }} [limits]
     * @returns {Promise<{ execution: string, epoch: string, offset: number }>}
     */
    async start(start, { key = newKey(), ...limits } = {}) {
      const started = await commands.request({ type: "start", ...start, key }, limits);
      if (start.watch !== false) {
        asked.add(started.execution);
        set(follow(state, started.execution));
      }
      return started;
    },
    /** Answers a checkpoint; resolves when the decision is kept. @param {Omit<Decide, "type" | "id" | "key">} decision @param {Limits & { key?: string }} [limits] @returns {Promise<{ offset: number, state: string }>} */
    decide: (decision, { key = newKey(), ...limits } = {}) => commands.request({ type: "decide", ...decision, key }, limits),
    /** Ends an execution. @param {string} execution @param {string} [reason] @param {Limits} [limits] @returns {Promise<{ offset: number, state: string }>} */
    cancel: (execution, reason, limits) => commands.request({ type: "cancel", execution, ...(reason && { reason }) }, limits),
    /** Reads a page of a list. @param {Omit<List, "type" | "id">} what @param {Limits} [limits] @returns {Promise<{ items: any[], next?: string }>} */
    list: (what, limits) => commands.request({ type: "list", ...what }, limits),
  };
}
/** @typedef {ReturnType<typeof createClient>} Client */

/** Makes a function that does its work the first time only. @param {() => void} f */
function release(f) {
  let released = false;
  return () => { if (!released) { released = true; f(); } };
}

/** Runs `f` once in the next animation frame, or soon where there are none (node, a hidden tab). @param {() => void} f */
function perFrame(f) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => { if (waiting) { waiting = false; clearTimeout(timer); f(); } };
    const paints = typeof requestAnimationFrame === "function";
    const timer = setTimeout(run, paints ? 100 : 16);
    if (paints) requestAnimationFrame(run);
  };
}
