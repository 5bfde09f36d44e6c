/**
 * The client: one socket, many executions, commands that survive a reconnect. No DOM, no framework.
 * @import { Command, ServerFrame } from "./protocol.js"
 * @import { Connection, State } from "./types.js"
 */
import { createCalls } from "./calls.js";
import { CommandError, createCommands, newKey } from "./commands.js";
import { createInbox } from "./inbox.js";
import { once, perFrame } from "./pace.js";
import { createSocket, IDLE } from "./socket.js";
import { initialState, reduce, refuse } from "./store.js";
import { createViewing } from "./viewing.js";
import { createWatching } from "./watching.js";

export { CommandError, newKey } from "./commands.js";
export { initialState, reduce } from "./store.js";

/** Events of which many come at once: like streamed text, they are told once per animation frame. */
const COME_IN_CROWDS = /^(agent|journal|llm|tool)\./;

/**
 * @typedef {object} ClientOptions
 * @property {string | (() => string)} url of the socket, `ws://…/ws`; a function is asked at each attempt
 * @property {() => string | Promise<string>} [token] asked for at each connection that requires it; never put in the URL
 * @property {typeof globalThis.WebSocket} [WebSocket] where there is none, as in node 20: that of the package `ws`
 * @property {{ min: number, max: number }} [backoff] milliseconds; full jitter between 0 and min × 2ⁿ
 * @property {() => number} [random]
 */

/**
 * Makes a client. It connects while somebody holds it, and resumes each watched execution where it was.
 * @param {ClientOptions} options
 */
export function createClient({
  url,
  token,
  WebSocket = globalThis.WebSocket,
  backoff = { min: 500, max: 30_000 },
  random = Math.random,
}) {
  /** @type {State} */ let state = initialState;
  /** @type {Connection} */ let connection = IDLE;
  let holders = 0,
    skew = 0,
    person = "";
  /** @type {Set<() => void>} */ const listeners = new Set();
  /** @type {Map<string, Set<(frame: any) => void>>} */ const handlers = new Map();
  /** @type {ServerFrame[]} */ let deltas = [];

  const socket = createSocket({
    url: typeof url === "function" ? url : () => url,
    WebSocket,
    backoff,
    random,
    receive,
    changed,
  });
  const isOpen = () => connection.phase === "open";
  const commands = createCommands(socket.send, isOpen);
  const ground = { session, isOpen, read: () => state, write };
  const watching = createWatching(ground, backoff, random);
  const inbox = createInbox(ground);
  const viewing = createViewing(ground);
  const notify = () => {
    for (const listener of [...listeners]) listener();
  };
  const notifySoon = perFrame(() => {
    flush();
    notify();
  });

  /** @param {State} next @param {boolean} [soon] tell the listeners with the next frame only */
  function write(next, soon = false) {
    if (next === state) return;
    state = next;
    if (soon) notifySoon();
    else notify();
  }

  /** @param {Connection} next */
  function changed(next) {
    connection = next;
    notify();
  }

  /** @param {ServerFrame} frame */
  function receive(frame) {
    if (frame.type === "delta") {
      deltas.push(frame);
      notifySoon();
    } else flush();
    if (frame.type === "welcome") greet(frame);
    else if (frame.type === "reply") commands.answer(frame.re, frame.data);
    else if (frame.type === "error") refused(frame);
    else if (frame.type !== "delta") take(frame);
    for (const type of [frame.type, "*"]) for (const f of handlers.get(type) ?? []) f(frame);
  }

  /** Streamed text is put in once per animation frame, and always before the frame that follows it. */
  function flush() {
    const waiting = deltas;
    deltas = [];
    state = waiting.reduce(reduce, state);
  }

  /** @param {Extract<ServerFrame, { type: "error" }>} frame */
  function refused(frame) {
    commands.refuse(frame);
    const gone = frame.code === "not_found" && !frame.re ? frame.detail?.["execution"] : undefined;
    if (typeof gone === "string") write(refuse(state, gone, frame));
  }

  /** @param {ServerFrame} frame */
  function take(frame) {
    const id = executionOf(frame);
    write(reduce(state, frame), COME_IN_CROWDS.test(frame.type) || (id !== undefined && state.watched[id] === "catching-up"));
    if (id === undefined) return;
    inbox.heard(id);
    watching.check(id, frame);
  }

  /** @param {Extract<ServerFrame, { type: "welcome" }>} frame */
  async function greet(frame) {
    const { server_time, auth } = frame;
    state = reduce(state, frame);
    skew = Date.parse(server_time) - Date.now();
    if (auth !== "required") return begin();
    const mine = connection,
      isOver = () => connection !== mine;
    try {
      const secret = await token?.();
      if (isOver()) return;
      if (!secret) return socket.give(4003, "This server asks who you are");
      const answer = await introduce(secret, isOver);
      if (isOver()) return;
      if (answer.type === "error") return socket.give(answer.retry ? 4101 : 4003, answer.message);
      state = reduce(state, { ...frame, .../** @type {object} */ (answer.data) });
      begin();
    } catch (e) {
      if (!isOver()) socket.give(4101, e instanceof Error ? e.message : String(e));
    }
  }

  /**
   * Says who we are, before the session stands. Where the connection ends first, nothing comes of it.
   * @param {string} secret
   * @param {() => boolean} isOver
   * @returns {Promise<Extract<ServerFrame, { type: "reply" | "error" }>>}
   */
  function introduce(secret, isOver) {
    const id = `auth-${newKey()}`;
    return new Promise((resolve, reject) => {
      const stop = () => stops.forEach((each) => each());
      /** @param {Extract<ServerFrame, { type: "reply" | "error" }>} frame */
      const check = (frame) => {
        if (frame.re !== id) return;
        stop();
        resolve(frame);
      };
      const ended = () => {
        if (!isOver()) return;
        stop();
        reject(new CommandError("disconnected", "The connection ended"));
      };
      const stops = [on("reply", check), on("error", check), subscribe(ended)];
      socket.send({ type: "auth", token: secret, id });
    });
  }

  /** Who comes after somebody else neither sees what was theirs, nor says what they have not said yet. */
  function admit() {
    const { id } = state.self.person ?? { id: "" };
    if (person && id !== person) {
      state = { ...initialState, self: state.self };
      commands.drop(new CommandError("unauthenticated", "Somebody else has signed in"));
    }
    person = id;
  }

  /** The session stands: says again what was not answered, and resumes what is watched. */
  function begin() {
    admit();
    const resume = watching.renew();
    commands.resend();
    socket.ready();
    resume();
    inbox.open();
    viewing.renew();
  }

  /**
   * Sends a command that belongs to this connection: the next one asks afresh.
   * @param {Command} command
   * @returns {Promise<any>}
   */
  function session(command) {
    const ends = new AbortController(),
      mine = connection;
    const stop = subscribe(() => {
      if (connection !== mine) ends.abort(new CommandError("disconnected", "The connection ended"));
    });
    return commands.request(command, { signal: ends.signal }).finally(stop);
  }

  /** @param {() => void} listener */
  function subscribe(listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Calls `f` for each frame of one type, or of all (`*`).
   * @template {ServerFrame["type"] | "*"} T
   * @param {T} type
   * @param {(frame: T extends "*" ? ServerFrame : Extract<ServerFrame, { type: T }>) => void} f
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
      return once(() => {
        if (--holders === 0)
          queueMicrotask(() => {
            if (holders === 0) socket.close();
          });
      });
    },
    request: commands.request,
    watch: watching.watch,
    inbox: inbox.hold,
    older: inbox.older,
    view: viewing.view,
    subscribe,
    on,
    getState: () => state,
    getConnection: () => connection,
    /** The server's time in milliseconds: deadlines run on its clock, not on this machine's. */
    now: () => Date.now() + skew,
    /** Tries again at once. */
    retryNow() {
      if (holders && (connection.phase === "waiting" || connection.phase === "closed")) socket.open();
    },
    ...createCalls(commands.request, watching.begun),
  };
}
/** @typedef {ReturnType<typeof createClient>} Client */
/** @typedef {import("./types.js").CheckpointView} CheckpointView */
/** @typedef {import("./types.js").ExecutionView} ExecutionView */

/** @param {ServerFrame} frame */
function executionOf(frame) {
  if (!("execution" in frame)) return undefined;
  return typeof frame.execution === "string" ? frame.execution : frame.execution.id;
}
